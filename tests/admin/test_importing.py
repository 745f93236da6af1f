"""Tables taken in: sent, checked, looked at, confirmed; nothing changes before that, and all of it then."""

import csv
from datetime import date, datetime
from io import BytesIO, StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from ministries.models import Contact
from rollout.exports import CONTACT_HEADINGS
from rollout.models import PlanImport, PlanVersion, Wave
from tests.admin.edits import everything, wave
from tests.factories import ContactFactory

pytestmark = [pytest.mark.usefixtures("seeded", "_worked_here"), pytest.mark.django_db(transaction=True)]

LIST = reverse("admin:rollout_wave_changelist")
WAVES, CONTACTS = reverse("admin:rollout_wave_import"), reverse("admin:ministries_contact_import")
TEMPLATE = reverse("admin:rollout_wave_import_template")
XLSX, CSV = reverse("admin:rollout_wave_export_xlsx"), reverse("admin:rollout_wave_export_csv")
WHY = "9月3日 照会の結果"


def in_csv(*rows, encoding="utf-8-sig"):
    text = StringIO()
    csv.writer(text).writerows(rows)
    return SimpleUploadedFile("照会.csv", text.getvalue().encode(encoding))


def in_workbook(*rows, name="照会.xlsx"):
    book, file = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return SimpleUploadedFile(name, file.getvalue())


def send(client, file, address=WAVES):
    """The page of the import, after a worker has checked it."""
    answer = client.post(address, {"file": file}, follow=True)
    assert answer.redirect_chain, answer.context["form"].errors
    return answer


def confirm(client, page, reason=WHY, **values):
    address = page.request["PATH_INFO"]
    sent = {"reason": reason, "seen_version": page.context["row"].seen_version, **values}
    return client.post(address, sent, follow=True)


def mistakes(page):
    return [(each["line"], each["column"], each["text"]) for each in page.context["found"]["mistakes"]]


def differences(page):
    return [(each["column"], each["before"], each["after"]) for each in page.context["found"]["differences"]]


def test_file_is_shown_before_anything_changes_and_then_changes_all_at_once(staff_client):
    before = everything()
    page = send(
        staff_client,
        in_csv(["コード", "切替", "人数", "備考"], ["nta-1", "R9.6", "６８，０００人", "照会済"]),
    )
    assert differences(page) == [("切替", "R8.6~", "R9.6"), ("人数", "", "68000"), ("備考", "", "照会済")]
    assert (mistakes(page), everything()) == ([], before)
    years = [(year["label"], year["difference"]) for year in page.context["found"]["impact"]["years"]]
    assert ("R8年度", "−68,600") in years
    done = confirm(staff_client, page)
    assert "反映しました：変更1件" in done.content.decode()
    row = wave()
    assert (row.cutover.text, row.users, row.note, row.cutover_version) == ("R9.6", 68_000, "照会済", 2)
    version = row.history.first()
    assert (version.history_change_reason, version.history_user.username) == (WHY, "pmo")
    assert PlanVersion.objects.get().number == before[2] + 1
    assert PlanVersion.objects.get().reminders_number == before[2] + 1


@pytest.mark.parametrize("address", [XLSX, CSV])
def test_export_comes_back_as_no_change(staff_client, address):
    Wave.objects.filter(code="nta-1").update(note="'=1+1\x0b", name="+第1陣")
    name = "waves.xlsx" if address == XLSX else "waves.csv"
    exported = b"".join(staff_client.get(address).streaming_content)
    page = send(staff_client, SimpleUploadedFile(name, exported))
    found = page.context["found"]
    assert (mistakes(page), differences(page), found["ignored"]) == ([], [], [])
    assert found["lines"] == Wave.objects.count()
    assert "計画と同じ内容です" in page.content.decode()


def test_template_is_filled_in_and_sent_back(staff_client):
    book = load_workbook(BytesIO(b"".join(staff_client.get(TEMPLATE).streaming_content)))
    sheet = book["移行単位"]
    [rule] = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1, book["選択肢"].sheet_state) == (
        "G2:G20001",
        "=選択肢!$A$1:$A$6",
        "hidden",
    )
    [row] = [cells for cells in sheet.iter_rows(min_row=2) if cells[0].value == "nta-1"]
    row[6].value = "準備中"
    file = BytesIO()
    book.save(file)
    page = send(staff_client, SimpleUploadedFile("記入済.xlsx", file.getvalue()))
    assert (mistakes(page), differences(page)) == ([], [("状態", "予定", "準備中")])


def test_blank_leaves_alone_and_clear_empties(staff_client):
    Wave.objects.filter(code="nta-1").update(users=5, note="消す")
    page = send(staff_client, in_csv(["コード", "切替", "人数", "備考"], ["nta-1", "", "#CLEAR", "#clear"]))
    confirm(staff_client, page)
    assert (wave().users, wave().note, wave().cutover.text) == (None, "", "R8.6~")


def test_every_mistake_is_told_with_its_row_and_column_and_nothing_can_be_confirmed(staff_client):
    rows = [
        ["コード", "府省庁", "切替", "人数", "状態", "備考"],
        ["", "", "R8.6", "", "", ""],
        ["nobody-1", "", "R8.6", "", "", ""],
        ["nta-1", "財務省", "R8.13", "多数", "完了", "あ" * 301],
        ["mof-1", "", "", "", "利用中", ""],
        ["mof-1", "", "", "", "", "二度目"],
    ]
    page = send(staff_client, in_csv(*rows))
    found = mistakes(page)
    assert [(line, column) for line, column, _ in found] == [
        (2, "コード"),
        (3, "コード"),
        (4, "府省庁"),
        (4, "切替"),
        (4, "人数"),
        (4, "状態"),
        (5, "切替"),
        (6, "コード"),
    ]
    assert "この行は「国税庁」です" in found[2][2]
    assert "検討中、予定、準備中" in found[5][2]
    assert "R8.6.15" in found[6][2]
    assert "5行目と同じ" in found[7][2]
    before = everything()
    answer = confirm(staff_client, page)
    assert (everything(), "もう「反映の判断待ち」です" in answer.content.decode()) == (before, True)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (in_csv(["コード", "担当"], ["nta-1", "山田"]), "「担当」という列は取り込めません"),
        (in_csv(["コード", "コード"], ["nta-1", "nta-1"]), "「コード」の列が2つあります"),
        (in_csv(["切替"], ["R8.6"]), "「コード」の列がありません"),
        (in_csv(["コード", "府省庁"], ["nta-1", "国税庁"]), "取り込む列"),
        (in_csv(["R8年度 移行一覧"], ["コード", "切替"]), "1行目に見出し"),
        (in_csv(["コード", "切替"], ["nta-1", "R8.6", "メモ"]), "見出しのない列に値があります（C2）"),
        (in_csv(["コード", "切替"]), "見出しの下に行がありません"),
        (SimpleUploadedFile("a.csv", 'コード,備考\nnta-1,"あ'.encode()), "引用符"),
        (SimpleUploadedFile("a.csv", "コード,備考\n".encode("utf-16")), "文字コード"),
        (SimpleUploadedFile("a.csv", b"\x81\xff\xfe"), "文字コード"),
        (SimpleUploadedFile("a.xlsx", b"PK\x03\x04 broken"), "Excelファイルとして開けません"),
        (SimpleUploadedFile("a.xlsx", b"\xd0\xcf\x11\xe0\xa1"), "パスワード"),
    ],
)
def test_file_that_cannot_be_read_says_what_to_do(staff_client, file, told):
    file.seek(0)
    before = everything()
    page = send(staff_client, file)
    [row] = PlanImport.objects.all()
    assert (row.state, bytes(row.file or b""), told in page.content.decode(), everything()) == (
        "refused",
        b"",
        True,
        before,
    )


def test_merged_cells_are_refused_by_their_place(staff_client):
    book, file = Workbook(), BytesIO()
    for row in (["コード", "備考"], ["nta-1", "同じ"], ["mof-1", None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(file)
    page = send(staff_client, SimpleUploadedFile("a.xlsx", file.getvalue()))
    assert "結合されたセルがあります（B2:B3）" in page.content.decode()


def test_formula_error_and_time_are_told_as_what_they_are(staff_client):
    rows = [["nta-1", "=1+1"], ["mof-1", "#N/A"], ["moj-rehabilitation-1", datetime(2027, 6, 1, 9, 30)]]  # noqa: DTZ001 (as Excel has it)
    page = send(staff_client, in_workbook(["コード", "切替"], *rows))
    assert [text[:6] for _, _, text in mistakes(page)] == [
        "数式です。「",
        "エラー値（#",
        "時刻があります"[:6],
    ]


def test_formula_in_the_code_is_told_and_nothing_is_guessed(staff_client):
    page = send(staff_client, in_workbook(["コード", "備考"], ["=A1", "x"], ["nta-1", "照会済"]))
    assert [(line, column, text[:5]) for line, column, text in mistakes(page)] == [
        (2, "コード", "数式です。")
    ]


def test_ministry_is_called_before_another_is_also_called_so(staff_client):
    mof = wave("mof-1").rollout.lead_ministry
    mof.aliases = "国税庁"
    mof.save()
    row = ["", "国税庁", "担当", "a@example.go.jp", "", ""]
    confirm(staff_client, send(staff_client, in_csv(CONTACT_HEADINGS, row), CONTACTS))
    assert Contact.objects.get(email="a@example.go.jp").ministry.name == "国税庁"


def test_date_that_excel_has_made_of_a_day_is_no_change(staff_client):
    row = wave()
    row.cutover = "R8.6.15"
    row.save()
    page = send(staff_client, in_workbook(["コード", "切替", "備考"], ["nta-1", date(2026, 6, 15), "照会済"]))
    assert (mistakes(page), differences(page)) == ([], [("備考", "", "照会済")])
    page = send(staff_client, in_workbook(["コード", "切替"], ["nta-1", date(2026, 6, 16)]))
    assert differences(page) == [("切替", "R8.6.15", "2026-06-16")]


def test_file_of_the_old_windows_is_read_too(staff_client):
    page = send(staff_client, in_csv(["コード", "備考"], ["nta-1", "髙橋①"], encoding="cp932"))
    assert differences(page) == [("備考", "", "髙橋①")]


def test_columns_that_follow_from_others_are_not_taken_in_and_said_so(staff_client):
    page = send(staff_client, in_csv(["コード", "見込みでの人数", "備考"], ["nta-1", "1", "x"]))
    assert page.context["found"]["ignored"] == ["見込みでの人数（1か所）"]


def test_plan_that_has_moved_on_is_checked_again(staff_client):
    page = send(staff_client, in_csv(["コード", "備考"], ["nta-1", "照会済"]))
    other = wave("mof-1")
    other.note = "別の人"
    other.save()
    again = confirm(staff_client, page)
    assert "確認し直しました" in again.content.decode()
    assert (wave().note, again.context["form"].initial["reason"]) == ("", WHY)
    confirm(staff_client, again)
    assert (wave().note, wave("mof-1").note) == ("照会済", "別の人")


def test_confirming_asks_why_and_twice_does_it_once(staff_client):
    page = send(staff_client, in_csv(["コード", "備考"], ["nta-1", "照会済"]))
    assert "変更する理由を書いてください" in confirm(staff_client, page, reason=" ").content.decode()
    assert wave().note == ""
    confirm(staff_client, page)
    before = everything()
    assert "反映しました" in confirm(staff_client, page).content.decode()
    assert everything() == before


def test_what_is_dropped_stays_dropped_and_its_file_is_gone(staff_client):
    page = send(staff_client, in_csv(["コード", "備考"], ["nta-1", "照会済"]))
    assert "取りやめました" in confirm(staff_client, page, _discard="1").content.decode()
    confirm(staff_client, page)
    [row] = PlanImport.objects.all()
    assert (row.state, row.file, "differences" in row.found, wave().note) == ("discarded", None, False, "")


def test_preview_leaves_nothing_behind_but_itself(staff_client):
    ContactFactory(ministry=wave().rollout.lead_ministry)
    before = everything()
    page = send(staff_client, in_csv(["コード", "切替"], ["nta-1", "R9.6.1"]))
    created = page.context["found"]["mails"][1]
    assert (created["title"], created["total"] > 0, created["rows"][0]["address"]) == (
        "新しく送る通知",
        True,
        "",
    )
    assert everything() == before


def test_contacts_are_added_and_changed(staff_client):
    known = ContactFactory(ministry=wave().rollout.lead_ministry, email="old@example.go.jp", name="前")
    rows = [
        ["", "国税庁", "新しい人", "New@example.go.jp", "副担当", "いいえ"],
        [known.ministry.code, "", "後", "OLD@example.go.jp", "", ""],
        ["", "子ども家庭庁", "別名の人", "cfa@example.go.jp", "", ""],
    ]
    page = send(staff_client, in_csv(CONTACT_HEADINGS, *rows), CONTACTS)
    found = page.context["found"]
    assert (mistakes(page), found["new"], found["ignored"]) == ([], 2, [])
    confirm(staff_client, page)
    known.refresh_from_db()
    new = Contact.objects.get(email="New@example.go.jp")
    assert (known.name, new.role, new.active, new.ministry) == ("後", "deputy", False, known.ministry)
    assert [version.history_type for version in new.history.all()] == ["+"]
    assert PlanImport.objects.get().file is None


def test_mistakes_in_contacts_are_told(staff_client):
    rows = [
        ["", "", "誰か", "a@example.go.jp", "", ""],
        ["nowhere", "", "誰か", "a@example.go.jp", "", ""],
        ["", "どこか庁", "誰か", "a@example.go.jp", "", ""],
        ["nta", "財務省", "誰か", "a@example.go.jp", "", ""],
        ["nta", "", "", "a@example.go.jp", "部長", "たぶん"],
        ["nta", "", "誰か", "アドレス", "", ""],
        ["nta", "", "誰か", "", "", ""],
        ["nta", "", "", "b@example.go.jp", "", ""],
    ]
    page = send(staff_client, in_csv(CONTACT_HEADINGS, *rows), CONTACTS)
    found = [(line, column) for line, column, _ in mistakes(page)]
    assert found == [
        (2, "府省庁コード"),
        (3, "府省庁コード"),
        (4, "府省庁"),
        (5, "府省庁"),
        (6, "役割"),
        (6, "通知する"),
        (7, "メールアドレス"),
        (8, "メールアドレス"),
        (9, "氏名・部署"),
    ]


@pytest.mark.parametrize("name", ["表.xls", "表.txt"])
def test_other_kinds_of_files_are_refused_at_once(staff_client, name):
    answer = staff_client.post(WAVES, {"file": SimpleUploadedFile(name, b"x")})
    assert ("取り込めません" in answer.content.decode(), PlanImport.objects.count()) == (True, 0)


def test_import_of_one_list_is_not_found_under_the_other(staff_client):
    page = send(staff_client, in_csv(["コード", "備考"], ["nta-1", "照会済"]))
    address = reverse("admin:ministries_contact_import_one", args=[page.context["row"].pk])
    assert staff_client.get(address).status_code == 404


def test_imports_are_for_who_may_change_the_rows(client, django_user_model):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_wave"))
    client.force_login(person)
    assert [client.get(address).status_code for address in (WAVES, CONTACTS, TEMPLATE)] == [403] * 3
    assert "取り込む" not in client.get(LIST).content.decode()


def test_progress_is_shown_while_a_worker_is_at_it(staff_client):
    row = PlanImport.objects.create(kind="wave", file_name="照会.csv", rows_total=20_000, rows_done=500)
    html = staff_client.get(reverse("admin:rollout_wave_import_one", args=[row.pk])).content.decode()
    assert "rollout/import.js" in html
    assert "20,000行のうち500行" in html
    answer = staff_client.post(
        reverse("admin:rollout_wave_import_one", args=[row.pk]), {"_discard": "1"}, follow=True
    )
    assert "取りやめました" in answer.content.decode()
