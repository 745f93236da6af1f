"""Lists taken along as tables: what the filters leave, in the order of the list, for who may see it."""

import csv
from datetime import date
from io import BytesIO, StringIO

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from rollout.exports import CONTACT_HEADINGS, WAVE_HEADINGS
from tests.factories import ContactFactory, RolloutFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")

LIST = reverse("admin:rollout_wave_changelist")
CSV, XLSX = (reverse(f"admin:rollout_wave_export_{ending}") for ending in ("csv", "xlsx"))
CONTACTS = reverse("admin:ministries_contact_export_csv")


def table(client, address=CSV, **chosen):
    answer = client.get(address, chosen)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(StringIO(text, newline="")))


def workbook(client, **chosen):
    answer = client.get(XLSX, chosen)
    return answer, load_workbook(BytesIO(b"".join(answer.streaming_content)))["移行単位"]


def test_csv_has_what_the_filter_leaves_in_the_order_of_the_list(staff_client):
    [headings, *rows] = table(staff_client, fiscal_year="2027")
    assert headings == list(WAVE_HEADINGS)
    assert next(dict(zip(headings, row, strict=True)) for row in rows) == {
        "コード": "mof-1",
        "府省庁": "財務省",
        "範囲": "",
        "名称": "",
        "導入案件": "mof",
        "導入区分": "令和8年度以降に導入完了予定",
        "切替": "R9.6~",
        "切替（和暦）": "令和9年6月",
        "切替（最早）": "2027-06-01",
        "切替（最遅）": "2027-06-30",
        "切替の精度": "月",
        "年度": "R9年度",
        "人数": "",
        "見込みでの人数": "",
        "人数の根拠": "不明",
        "状態": "予定",
        "日程確認": "",
        "備考": "",
    }
    assert [row[0] for row in rows] == ["mof-1", "moj-rehabilitation-1"]


def test_workbook_has_days_and_numbers_as_such(staff_client):
    answer, sheet = workbook(staff_client, q="nta")
    row = dict(zip(WAVE_HEADINGS, sheet[2], strict=True))
    assert (row["切替"].value, row["切替（最早）"].value.date()) == ("R8.6~", date(2026, 6, 1))
    assert (row["見込みでの人数"].value, row["人数"].value, sheet.max_row) == (68_600, None, 2)
    assert answer["Content-Disposition"] == 'attachment; filename="wave-2026-11-23.xlsx"'


def test_export_is_offered_with_the_filter_of_the_list(staff_client):
    html = staff_client.get(LIST, {"fiscal_year": "2027"}).content.decode()
    assert [f'href="{address}?fiscal_year=2027"' in html for address in (XLSX, CSV)] == [True, True]


@pytest.mark.parametrize("address", [CSV, XLSX])
def test_filter_that_is_not_offered_leads_back_to_the_list(staff_client, address):
    assert staff_client.get(address, {"soon": "7"})["Location"] == f"{LIST}?e=1"


@pytest.mark.parametrize("address", [CSV, XLSX, CONTACTS])
def test_export_is_for_who_may_see_the_rows(client, django_user_model, address):
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_ministry"))
    client.force_login(person)
    assert client.get(address).status_code == 403


def test_contacts_are_exported_too(staff_client):
    contact = ContactFactory(name="=1+1", email="a@example.go.jp", active=False)
    [headings, row] = table(staff_client, CONTACTS)
    assert (headings, row) == (
        list(CONTACT_HEADINGS),
        [contact.ministry.code, contact.ministry.name, "'=1+1", "a@example.go.jp", "主担当", "いいえ"],
    )


def test_export_takes_as_many_queries_for_one_wave_as_for_many(staff_client):
    def count():
        with CaptureQueriesContext(connection) as queries:
            table(staff_client, q="many")
        return len(queries)

    rollout = RolloutFactory()
    WaveFactory(rollout=rollout, code="many-0")
    count()
    one = count()
    for number in range(1, 30):
        WaveFactory(rollout=rollout, code=f"many-{number}")
    assert count() == one
