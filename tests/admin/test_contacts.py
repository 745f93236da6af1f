"""A contact's page shows its calendar's URL, which can be made anew."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from ministries.models import Contact
from rollout.models import Reminder
from rollout.outbox.subscriptions import subscription_url
from tests.admin.edits import url
from tests.factories import ContactFactory, ReminderRuleFactory, WaveFactory

pytestmark = pytest.mark.django_db

LIST = reverse("admin:ministries_contact_changelist")


def renew(client, *contacts):
    chosen = [contact.pk for contact in contacts]
    return client.post(LIST, {"action": "renew_subscriptions", "_selected_action": chosen})


def shown(client, contact):
    return client.get(url(contact)).content.decode()


def test_page_shows_the_url_to_hand_out(staff_client):
    contact = ContactFactory()
    html = shown(staff_client, contact)
    assert f'<span class="secret-url">{subscription_url(contact)}</span>' in html
    assert "本人だけに渡してください。" in html


def test_page_of_a_contact_that_is_switched_off_says_that_the_url_is_of_no_use(staff_client):
    assert "「通知する」がオフのあいだは使えません。" in shown(staff_client, ContactFactory(active=False))


def test_page_for_a_new_contact_has_no_url_yet(staff_client):
    answer = staff_client.get(reverse("admin:ministries_contact_add"))
    assert (answer.status_code, "secret-url" in answer.content.decode()) == (200, False)


def test_action_makes_the_chosen_urls_anew_and_says_why_in_the_history(staff_client):
    chosen, other = [ContactFactory(), ContactFactory()], ContactFactory()
    answer = renew(staff_client, *chosen)
    assert [str(message) for message in get_messages(answer.wsgi_request)] == [
        "2件の購読用URLを作り直しました。新しいURLは、それぞれの連絡先のページにあります。"
    ]
    serials = Contact.objects.order_by("pk").values_list("calendar_serial", flat=True)
    assert list(serials) == [2, 2, 1]
    (version,) = chosen[0].history.filter(history_type="~")
    assert (version.history_change_reason, version.history_user.username) == ("購読用URLの作り直し", "pmo")
    assert other.history.count() == 1


def test_action_is_for_who_may_change_contacts(client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client.force_login(clerk)
    contact = ContactFactory()
    renew(client, contact)
    assert Contact.objects.get().calendar_serial == 1


def test_list_names_the_addresses_that_are_refused_again_and_again(staff_client):
    refused, wave, rule = ContactFactory(), WaveFactory(), ReminderRuleFactory()
    for occurrence in range(2):
        Reminder.objects.create(
            wave=wave,
            rule=rule,
            address=refused.email,
            occurrence=occurrence,
            state="failed",
            due_at=timezone.now(),
            claimed_at=timezone.now(),
            server_answer="550 no such user",
        )
    ContactFactory()
    answer = staff_client.get(LIST)
    assert [str(message) for message in get_messages(answer.wsgi_request)] == [
        (
            f"{refused.email} 宛てのメールは続けて2回、受け取りを断られています（550 no such user）。"
            "アドレスを確かめて直すか、「通知する」を外してください。"
        )
    ]
