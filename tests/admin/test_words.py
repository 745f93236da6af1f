"""No page of the admin says anything in English: neither words of ours nor what a library brings along."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.admin.test_pages import admin_url, fill_ledger, pages_of
from tests.factories import AssignmentFactory, BaselineFactory, MonthlyLimitFactory, UserFactory

SPOKEN = ("title", "aria-label", "placeholder", "alt")
ENGLISH = re.compile(r"\b(?:[A-Z][a-z]{2,}|[a-z]{2,} [a-z]{2,}|None|True|False|Can [a-z]+)\b")
NAMES = re.compile(
    "English|Excel|Redis|Celery|CSV|JSON|Message-ID|URL|PMO|GSS|TOTP|Business Network|Control|Command|Mac"
)


class Words(HTMLParser):
    """What a page shows or has read out, but for code."""

    def __init__(self):
        super().__init__()
        self.found, self._silent = [], 0

    def handle_starttag(self, tag, attrs):
        self._silent += tag in ("script", "style", "code")
        values = dict(attrs)
        self.found += [values[name] for name in SPOKEN if values.get(name)]
        if tag == "input" and values.get("type") in ("submit", "button"):
            self.found.append(values.get("value") or "")

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style", "code")

    def handle_data(self, data):
        if not self._silent:
            self.found.append(data)


def english_in(answer):
    words = Words()
    words.feed(answer.content.decode())
    texts = [NAMES.sub("", " ".join(text.split())) for text in words.found]
    return [text for text in texts if ENGLISH.search(text)]


@pytest.mark.usefixtures("seeded")
def test_pages_of_every_model_are_in_japanese_with_and_without_mistakes(staff_client):
    fill_ledger()
    for make in (AssignmentFactory, BaselineFactory, MonthlyLimitFactory, UserFactory):
        make()
    addresses = [reverse("admin:index"), reverse("admin:password_change"), reverse("admin:rollout_changes")]
    for model in admin.site._registry:
        addresses += pages_of(model).values() if model._default_manager.exists() else []
        addresses += [admin_url(model, "changelist"), reverse("admin:app_list", args=[model._meta.app_label])]
    found = {}
    for address in dict.fromkeys(addresses):
        answers = [staff_client.get(address)]
        if not address.endswith("/delete/"):
            answers.append(staff_client.post(address, {"_save": "1"}))
        for answer in answers:
            if answer.status_code == 200 and (texts := english_in(answer)):
                found[address] = texts
    assert found == {}, "\n".join(f"{a}: {t[:4]}" for a, t in found.items())
