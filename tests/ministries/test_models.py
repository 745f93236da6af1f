"""Ministries in 建制順, and the contacts who are told."""

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from ministries.models import Contact, Ministry
from tests.factories import ContactFactory, MinistryFactory
from tests.rollout.ledger import START, at

pytestmark = pytest.mark.django_db


def refused_fields(row):
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    return list(caught.value.message_dict)


def test_ministries_stand_in_their_order():
    for code, order in (("b", "4.10"), ("c", "4.10"), ("a", "12"), ("d", "4.02")):
        MinistryFactory(code=code, order=order)
    assert [ministry.code for ministry in Ministry.objects.all()] == ["d", "b", "c", "a"]


def test_alias_names_are_one_a_line():
    assert Ministry(aliases=" 農水省 \r\n\r\nMAFF\n").alias_names == ["農水省", "MAFF"]
    assert Ministry().alias_names == []


def test_clean_refuses_a_ministry_that_is_its_own_parent():
    ministry = MinistryFactory()
    ministry.parent = ministry
    assert refused_fields(ministry)[0] == "parent"


def test_clean_refuses_a_ring_of_parents():
    top = MinistryFactory()
    bottom = MinistryFactory(parent=MinistryFactory(parent=top))
    top.parent = bottom
    assert refused_fields(top) == ["parent"]


def test_clean_refuses_a_ring_above_the_ministry():
    first, second = MinistryFactory(), MinistryFactory()
    Ministry.objects.filter(pk=first.pk).update(parent=second)
    Ministry.objects.filter(pk=second.pk).update(parent=first)
    first.refresh_from_db()
    assert refused_fields(MinistryFactory.build(parent=first)) == ["parent"]


def test_clean_takes_a_chain_of_parents():
    ministry = MinistryFactory(parent=MinistryFactory(parent=MinistryFactory()))
    assert ministry.full_clean() is None


@pytest.mark.parametrize("number", ["1000012010038", "80000120100", "８０００012010038"])
def test_clean_refuses_a_wrong_corporate_number(number):
    assert refused_fields(MinistryFactory.build(corporate_number=number))[0] == "corporate_number"


def test_corporate_number_may_be_unknown_more_than_once():
    for _ in range(2):
        MinistryFactory(corporate_number="").full_clean()
    assert Ministry.objects.count() == 2


def test_contacts_that_want_no_mail_are_not_active():
    wanted = ContactFactory()
    ContactFactory(active=False)
    assert list(Contact.objects.active()) == [wanted]


def test_contact_is_refused_an_address_that_its_ministry_has():
    contact = ContactFactory(email="a@example.go.jp")
    again = ContactFactory.build(ministry=contact.ministry, email="A@EXAMPLE.go.jp")
    with pytest.raises(ValidationError) as caught:
        again.full_clean()
    assert caught.value.messages == ["このメールアドレスは、この府省庁に登録済みです。"]


def test_contact_may_serve_two_ministries():
    contact = ContactFactory()
    assert ContactFactory.build(ministry=MinistryFactory(), email=contact.email).full_clean() is None


REACHABLE = {
    "a new address": ({}, {"email": "new@example.go.jp"}, True),
    "switched on again": ({"active": False}, {"active": True}, True),
    "switched off": ({}, {"active": False}, False),
    "another role": ({}, {"role": "deputy"}, True),
    "another name": ({}, {"name": "別の担当者"}, False),
    "saved as it is": ({}, {}, False),
}


@pytest.mark.parametrize(("before", "after", "anew"), REACHABLE.values(), ids=REACHABLE)
def test_contact_is_reachable_since_its_address_came_into_use(before, after, anew):
    later = at("2026-12-01 10:00")
    with time_machine.travel(START, tick=False) as clock:
        contact = ContactFactory(**before)
        clock.move_to(later)
        for name, value in after.items():
            setattr(contact, name, value)
        contact.save()
    assert Contact.objects.get().reachable_since == (later if anew else START)


def test_contact_is_reachable_from_the_start():
    with time_machine.travel(START, tick=False):
        assert ContactFactory().reachable_since == timezone.now()


def test_natural_keys_find_their_rows():
    contact = ContactFactory()
    assert Ministry.objects.get_by_natural_key(*contact.ministry.natural_key()) == contact.ministry
    assert Contact.objects.get_by_natural_key(*contact.natural_key()) == contact


def test_rows_read_as_people_would_say():
    contact = ContactFactory(name="情報化推進室", email="a@example.go.jp", ministry__name="国税庁")
    assert (str(contact.ministry), str(contact)) == ("国税庁", "情報化推進室 <a@example.go.jp>")
