"""An earlier version of a row comes back as a new change; two are compared; history is never edited."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.urls import reverse

from rollout import actions
from rollout.models import Cohort, Rollout, Source, Wave
from tests.admin.edits import history_count, post_and_confirm, url, values_in, wave
from tests.factories import CohortFactory, ContactFactory, RolloutFactory

pytestmark = pytest.mark.usefixtures("seeded")


def moved(*cutovers):
    """国税庁, moved several times; the numbers of its versions, the oldest first."""
    for cutover in cutovers:
        row = wave()
        row.cutover = cutover
        actions.save_row(row=row, actor=None, reason="連絡")
    return list(wave().history.order_by("history_id").values_list("history_id", flat=True))


def restored(client, row, number):
    return client.get(url(row), {"restore": number})


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_version_is_filled_into_the_form_and_nothing_is_saved_yet(staff_client):
    [_, first, _] = moved("R8.9", "R8.10")
    before = history_count()
    answer = restored(staff_client, wave(), first)
    shown = values_in(answer)
    assert (shown["cutover"], shown["reason"]) == ("R8.9", "2026-11-23 16:00 の版に戻す：")
    assert told(answer) == [
        (
            "2026-11-23 16:00 の版の内容を入れました。まだ保存していません。"
            "確かめて、変更理由を書いて保存してください。"
        )
    ]
    assert (wave().cutover.text, history_count()) == ("R8.10", before)


def test_page_with_rows_beside_it_says_that_they_stay(staff_client):
    rollout = wave().rollout
    answer = restored(staff_client, rollout, rollout.history.first().history_id)
    assert [
        text.endswith("下に並ぶ行（移行単位や引用など）は、いまのままです。") for text in told(answer)
    ] == [True]


def test_saving_it_is_a_new_change_that_is_looked_at_first(staff_client):
    [_, first, _] = moved("R8.9", "R8.10")
    answer = restored(staff_client, wave(), first)
    assert post_and_confirm(staff_client, url(wave()), values_in(answer)).status_code == 302
    version = wave().history.first()
    assert (wave().cutover.text, version.history_change_reason) == ("R8.9", "2026-11-23 16:00 の版に戻す：")
    assert wave().history.count() == 4


def test_version_of_another_row_is_not_filled_in(staff_client):
    [number] = wave("isa-1").history.values_list("history_id", flat=True)
    answer = restored(staff_client, wave(), number)
    assert (values_in(answer)["cutover"], told(answer)) == ("R8.6~", [])


@pytest.mark.parametrize("number", ["", "x", "²", "0", "9" * 30])
def test_senseless_number_fills_in_nothing(staff_client, number):
    answer = restored(staff_client, wave(), number)
    assert (answer.status_code, values_in(answer)["cutover"], told(answer)) == (200, "R8.6~", [])


def test_choice_that_is_gone_is_named(staff_client):
    old = CohortFactory(label="旧区分", source=Source.objects.first())
    rollout = RolloutFactory(cohort=old)
    number = rollout.history.first().history_id
    Rollout.objects.filter(pk=rollout.pk).update(cohort=Cohort.objects.first())
    old.delete()
    answer = restored(staff_client, rollout, number)
    assert told(answer)[1:] == [
        "次の項目は、選ばれていたものが削除されているため、入れられませんでした：導入区分"
    ]


def test_version_is_for_who_may_see_the_row(client, django_user_model):
    contact = ContactFactory(email="secret@example.go.jp")
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="add_contact"))
    client.force_login(person)
    number = contact.history.first().history_id
    answer = client.get(reverse("admin:ministries_contact_add"), {"restore": number})
    assert (answer.status_code, "secret@" in answer.content.decode()) == (200, False)


def history(client, **chosen):
    return client.get(url(wave(), "history"), chosen)


def test_two_versions_are_compared_whichever_is_named_first(staff_client):
    [first, _, last] = moved("R8.9", "R8.10")
    for chosen in ({"from": first, "to": last}, {"from": last, "to": first}):
        found = history(staff_client, **chosen).context["compared"]
        changes = [(each["field"], each["old"], each["new"]) for each in found["changes"]]
        assert changes == [("切替", "R8.6~", "R8.10")]


def test_version_is_no_different_from_itself(staff_client):
    [first, _] = moved("R8.9")
    assert history(staff_client, **{"from": first, "to": first}).context["compared"]["changes"] == []


@pytest.mark.parametrize("chosen", [{"from": "x", "to": "1"}, {"from": "1"}, {"from": "0", "to": "0"}])
def test_senseless_versions_are_not_compared(staff_client, chosen):
    assert history(staff_client, **chosen).context["compared"] is None


def test_history_page_offers_to_restore_to_who_may_change_the_row(client, staff_client, django_user_model):
    assert "この版に戻す" in history(staff_client).content.decode()
    person = django_user_model.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_wave"))
    client.force_login(person)
    assert "この版に戻す" not in history(client).content.decode()


def test_no_address_edits_or_deletes_a_version(staff_client):
    number, before = wave().history.first().history_id, history_count()
    page = url(wave(), "history")
    addresses = [page, f"{page}{number}/", f"{page}{number}/delete/", reverse("admin:rollout_changes")]
    for address in addresses:
        staff_client.post(address, {"cutover": "R8.9", "post": "yes", "_change_history": "1"})
    assert (history_count(), Wave.history.get(history_id=number).cutover.text) == (before, "R8.6~")
