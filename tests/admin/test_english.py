"""With English chosen no page says anything in Japanese but what people have written."""

import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.urls import reverse

from rollout import recompute
from rollout.exports import CONTACT_HEADINGS, WAVE_HEADINGS
from tests.admin.test_pages import admin_url, fill_ledger, pages_of
from tests.admin.test_roles import PAGES as ROLE_PAGES
from tests.admin.test_words import Words
from tests.factories import AssignmentFactory, BaselineFactory, MonthlyLimitFactory, UserFactory
from tests.test_languages import JAPANESE, TYPED

IN_JAPANESE = re.compile(r'<(dd|td|pre|summary|a)\b[^>]* lang="ja".*?</\1>', re.DOTALL)
"""What says of itself that it is, such as the text of a mail."""
ELIDED = re.compile(r".*\[[0-9]+ chars\].*")
"""A long text in a history, of which the data has more."""
CUT = re.compile(r"<text\b[^>]*>[^<]*…</text>")
"""A name in a chart that has no room for all of it."""
FILES = re.compile("CSV|様式|書き出し")
PAGES = (
    "/",
    "/ministries/",
    "/ministries/nta/",
    "/rollouts/nta/",
    "/calendar/",
    "/comparison/",
    "/reconciliation/",
    "/comparison/?baseline=nobody",
    "/nowhere/",
)


def written():
    """Every text that the database holds, longest first: data is in the language that it was written in."""
    texts = {"日本語", *(f"“{heading}”" for heading in (*WAVE_HEADINGS, *CONTACT_HEADINGS))}
    for model in apps.get_models():
        fields = [field.attname for field in model._meta.concrete_fields if _holds_text(field)]
        for row in model._default_manager.values_list(*fields) if fields else ():
            for value in row:
                texts |= {line.strip() for line in str(value or "").splitlines()}
                texts.add(" ".join(str(value or "").split()))
    return sorted((text for text in texts if JAPANESE.search(text)), key=len, reverse=True)


def _holds_text(field):
    return isinstance(field, models.CharField | models.TextField | models.JSONField)


def japanese_in(answer, data):
    words = Words()
    words.feed(CUT.sub("", IN_JAPANESE.sub("", answer.content.decode())))
    texts = [ELIDED.sub("", " ".join(text.split())) for text in words.found]
    return [text for text in texts if JAPANESE.search(TYPED.sub("", _without(text, data)))]


def _without(text, data):
    """What is left but for what people have written and the examples that name it."""
    for each in data:
        text = text.replace(each, "")
    return text


@pytest.mark.usefixtures("seeded")
def test_pages_of_every_model_are_in_english_with_and_without_mistakes(staff_client):
    fill_ledger()
    recompute.recompute()
    for make in (AssignmentFactory, BaselineFactory, MonthlyLimitFactory, UserFactory):
        make()
    staff_client.get("/admin/?lang=en")
    addresses = [reverse("admin:index"), reverse("admin:password_change"), reverse("admin:rollout_changes")]
    addresses += [find() for name, find in ROLE_PAGES.items() if not FILES.search(name)]
    for model in admin.site._registry:
        addresses += pages_of(model).values() if model._default_manager.exists() else []
        addresses += [admin_url(model, "changelist"), reverse("admin:app_list", args=[model._meta.app_label])]
    data = written()
    found = {}
    for address in dict.fromkeys([*addresses, *PAGES]):
        answers = [staff_client.get(address)]
        if address.startswith("/admin/") and not address.endswith("/delete/"):
            answers.append(staff_client.post(address, {"_save": "1"}))
        for answer in answers:
            if not answer.streaming and answer.status_code != 302 and (texts := japanese_in(answer, data)):
                found[address] = texts
    assert found == {}, "\n".join(f"{a}: {t[:6]}" for a, t in found.items())
