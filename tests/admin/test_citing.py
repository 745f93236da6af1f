"""A change and the source it rests on: half an answer is refused, a whole one is kept and shown."""

import pytest

from rollout.domain.plan import Status
from rollout.models import Citation, Rollout, Source, Wave
from tests.admin.edits import (
    REASON,
    errors,
    everything,
    history_count,
    is_confirmation,
    post,
    save,
    url,
    values_of,
    wave,
)
from tests.factories import WaveFactory

TEXT = "令和9年6月に延期する"
NOTHING_CITED = (
    "出典は、切替・人数・状態を変えるときに付けられます。"
    "いまの値の出典は、導入案件の「引用」に追加してください。"
)


@pytest.fixture
def letter(seeded):
    return Source.objects.create(
        code="letter", title="国税庁からの連絡", publisher="国税庁", published_on="R8.9.3", kind="statement"
    )


def rollout():
    return Rollout.objects.get(code="nta")


def evidence(letter, **values):
    return {"evidence_source": letter.pk, "evidence_text": TEXT, **values}


def citations(**condition):
    columns = ("subject", "wave__code", "text", "says_users", "adopted")
    rows = Citation.objects.filter(rollout__code="nta", **condition).order_by("subject", "-adopted", "pk")
    return list(rows.values_list(*columns))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        pytest.param(
            {"evidence_text": None}, "出典を選んだときは、資料の文言も入力してください。", id="no words"
        ),
        pytest.param(
            {"evidence_source": None},
            "資料の文言や掲載箇所を入力したときは、出典も選んでください。",
            id="no source",
        ),
        pytest.param(
            {"evidence_source": None, "evidence_text": None, "evidence_locator": "2頁"},
            "資料の文言や掲載箇所を入力したときは、出典も選んでください。",
            id="a place alone",
        ),
        pytest.param(
            {"evidence_source": "0"},
            "正しく選択してください。選択したものは候補にありません。",
            id="unknown source",
        ),
        pytest.param(
            {"evidence_text": "あ" * 301},
            "この値は 300 文字以下でなければなりません( 301 文字になっています)。",
            id="too long",
        ),
    ],
)
@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_half_a_citation_is_refused_and_changes_nothing(letter, staff_client, sent, message, inline):
    row, before = rollout() if inline else wave(), everything()
    change = {"waves__0__cutover" if inline else "cutover": "R9.6"}
    answer = post(staff_client, row, reason=REASON, **change, **{**evidence(letter), **sent})
    assert (answer.status_code, errors(answer)) == (200, [message])
    assert everything() == before


@pytest.mark.parametrize(
    ("find", "change"),
    [
        pytest.param(wave, {"note": "備考"}, id="wave page"),
        pytest.param(rollout, {"scope": "全体"}, id="rollout page"),
        pytest.param(rollout, {"waves__0__note": "備考"}, id="part of a rollout"),
        pytest.param(rollout, {}, id="nothing at all"),
    ],
)
def test_citation_of_nothing_is_refused_and_changes_nothing(letter, staff_client, find, change):
    before = everything()
    answer = post(staff_client, find(), reason=REASON, **change, **evidence(letter))
    assert errors(answer) == [NOTHING_CITED]
    assert everything() == before


@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_other_words_of_a_place_that_is_cited_are_refused(letter, staff_client, inline):
    slide = {"evidence_source": Source.objects.get(code="budget-r8").pk, "evidence_text": "国税庁 (R9.6~)"}
    row, before = rollout() if inline else wave(), everything()
    change = {"waves__0__cutover" if inline else "cutover": "R9.6"}
    (message,) = errors(post(staff_client, row, reason=REASON, **change, **slide))
    assert message.startswith("この出典の同じ箇所から、もう「国税庁 (R8.6~)」を引用しています。")
    assert everything() == before


def test_citation_rows_and_a_cited_change_are_not_saved_together(letter, staff_client):
    before = everything()
    answer = post(
        staff_client, rollout(), users="70000", citations__0__note="備考", reason=REASON, **evidence(letter)
    )
    assert errors(answer) == [
        "変更理由に出典を付けて保存するときは、「引用」の行は同時に変えられません。どちらかを先に保存してください。"
    ]
    assert everything() == before


@pytest.mark.parametrize("inline", [False, True], ids=["wave page", "rollout page"])
def test_cited_change_is_one_version_and_one_adopted_citation(letter, staff_client, inline):
    row, before = rollout() if inline else wave(), history_count()
    change = {"waves__0__cutover" if inline else "cutover": "R9.6"}
    sent = {"reason": REASON, **change, **evidence(letter, evidence_locator="1頁")}
    assert is_confirmation(post(staff_client, row, **sent))
    assert history_count() == before
    assert save(staff_client, row, **sent).status_code == 302
    assert history_count() == {**before, "Wave": before["Wave"] + 1, "Citation": before["Citation"] + 2}
    assert citations(subject="cutover") == [
        ("cutover", None, TEXT, None, True),
        ("cutover", None, "国税庁 (R8.6~)", None, False),
    ]
    made = Citation.objects.get(source=letter)
    assert (wave().history.first().history_citation_id, made.locator) == (made.pk, "1頁")
    assert made.says_cutover.text == "R9.6"


def test_count_of_the_rollout_and_date_of_its_wave_are_cited_together(letter, staff_client):
    changes = {"users": "70000", "waves__0__cutover": "R9.6"}
    assert save(staff_client, rollout(), reason=REASON, **changes, **evidence(letter)).status_code == 302
    assert citations(source=letter) == [
        ("cutover", None, TEXT, None, True),
        ("users", None, TEXT, 70_000, True),
    ]


def test_new_wave_beside_others_is_cited_as_one_of_several(letter, staff_client):
    row = rollout()
    added = {"rollout": row.pk, "code": "nta-2", "cutover": "R9.9", "status": "planned", "users": "900"}
    changes = {f"waves__1__{name}": value for name, value in added.items()}
    answer = save(staff_client, row, waves__TOTAL_FORMS=2, **changes, **evidence(letter))
    assert (answer.status_code, citations(source=letter)) == (
        302,
        [("cutover", "nta-2", TEXT, None, True), ("users", "nta-2", TEXT, 900, True)],
    )


def test_confirmation_page_shows_what_the_change_rests_on(letter, staff_client):
    answer = post(staff_client, wave(), cutover="R9.6", reason=REASON, **evidence(letter))
    assert f"国税庁からの連絡「{TEXT}」" in answer.content.decode()
    assert not Citation.objects.filter(source=letter).exists()


def history_page(client, row):
    return client.get(url(row, "history"))


def test_history_shows_the_words_as_they_were_when_cited(letter, staff_client):
    save(staff_client, wave(), cutover="R9.6", reason=REASON, **evidence(letter))
    Source.objects.get(pk=letter.pk)
    letter.title = "別の題名"
    letter.save()
    made = Citation.objects.get(source=letter)
    made.text = "別の文言"
    made.save()
    for row in (wave(), rollout()):
        html = history_page(staff_client, row).content.decode()
        assert f"国税庁からの連絡「{TEXT}」\n" in html
        assert "別の題名" not in html


def test_history_says_when_the_citation_is_gone(letter, staff_client):
    save(staff_client, wave(), cutover="R9.6", reason=REASON, **evidence(letter))
    Citation.objects.get(source=letter).delete()
    assert f"国税庁からの連絡「{TEXT}」（削除済み）" in history_page(staff_client, wave()).content.decode()
    entries = history_page(staff_client, wave()).context["page"].object_list
    assert [entry["citation"] is not None for entry in entries] == [True, False]


def added_citation(row, **values):
    total = row.citations.count()
    made = {"rollout": row.pk, "source": Source.objects.first().pk, "subject": "cutover", "text": "別の資料"}
    forms = {f"citations__{total}__{name}": value for name, value in {**made, **values}.items()}
    return {"citations__TOTAL_FORMS": total + 1, **forms}


@pytest.mark.parametrize(
    "values",
    [{"subject": "cutover", "says_users": "5"}, {"subject": "users", "says_cutover": "R8.6"}],
    ids=["users of a cutover", "cutover of a count"],
)
def test_citation_that_says_something_else_is_refused(seeded, staff_client, values):
    row, before = rollout(), everything()
    answer = post(staff_client, row, **added_citation(row, locator="9頁", **values))
    assert errors(answer) == ["切替の引用には時期を、人数の引用には人数を入力してください。"]
    assert everything() == before


def test_citation_of_another_rollouts_wave_is_refused(seeded, staff_client):
    row, before = rollout(), everything()
    answer = post(staff_client, row, **added_citation(row, wave=wave("isa-1").pk))
    assert errors(answer) == ["正しく選択してください。選択したものは候補にありません。"]
    assert everything() == before


def test_same_citation_twice_in_one_form_is_refused(seeded, staff_client):
    row, before = rollout(), everything()
    total = row.citations.count()
    changes = added_citation(row, locator="9頁")
    changes |= {
        name.replace(f"__{total}__", f"__{total + 1}__"): value
        for name, value in changes.items()
        if name.count("__") == 2
    }
    answer = post(staff_client, row, **{**changes, "citations__TOTAL_FORMS": total + 2})
    assert errors(answer) == ["同じ出典・同じ箇所からの引用が2つあります。1つにまとめてください。"]
    assert everything() == before


def test_one_citation_is_adopted_for_each_wave_and_subject(seeded, staff_client):
    row = rollout()
    second = WaveFactory(rollout=row, code="nta-2", name="第2陣")
    changes = added_citation(row, wave=second.pk, adopted="on")
    assert save(staff_client, row, **changes).status_code == 302
    before = everything()
    answer = post(staff_client, row, **added_citation(row, wave=second.pk, adopted="on", locator="2頁"))
    assert errors(answer) == ["国税庁 第2陣「切替」で採用する引用は1つだけ選んでください。"]
    assert everything() == before


def test_citation_edited_while_its_wave_is_deleted_goes_with_it(seeded, staff_client):
    row = rollout()
    second = WaveFactory(rollout=row, code="nta-2", status=Status.PLANNED)
    said = row.citations.create(wave=second, source=Source.objects.first(), subject="cutover", text="第2陣")
    sent = values_of(staff_client, row)
    waves = {sent[f"waves-{n}-code"]: n for n in range(2)}
    place = next(n for n in range(3) if str(sent[f"citations-{n}-id"]) == str(said.pk))
    changes = {f"waves__{waves['nta-2']}__DELETE": "on", f"citations__{place}__note": "備考"}
    assert save(staff_client, row, reason=REASON, **changes).status_code == 302
    assert (Wave.objects.filter(code="nta-2").exists(), Citation.objects.filter(pk=said.pk).exists()) == (
        False,
        False,
    )
    gone = Citation.history.filter(id=said.pk).first()
    assert (gone.history_type, gone.history_change_reason, gone.history_user.username) == ("-", REASON, "pmo")


def test_who_may_not_add_sources_is_not_offered_to(seeded, client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    permission = django_user_model.user_permissions.field.related_model
    names = ["view_wave", "change_wave", "view_source"]
    clerk.user_permissions.set(permission.objects.filter(codename__in=names))
    client.force_login(clerk)
    offered = []
    for _ in range(2):
        offered.append("add_id_evidence_source" in client.get(url(wave())).content.decode())
        clerk.user_permissions.add(permission.objects.get(codename="add_source"))
    assert offered == [False, True]
