"""Every sentence of ours has its English, with the same values in it; what is compiled is what is written."""

import ast
import re
from pathlib import Path
from string import Formatter

import polib
import pytest
from django.urls import reverse

from gss_tracker.settings import LOCALE_PATHS
from rollout import actions
from rollout.models.labels import STATUS_LABELS, in_japanese
from tests.admin.edits import wave

PO = Path(LOCALE_PATHS[0]) / "en" / "LC_MESSAGES" / "django.po"
ROOT = Path(__file__).parent.parent
APPS = ("gss_tracker", "ministries", "rollout", "signin")
TRANSLATING = {"gettext": 0, "_": 0, "Words": 0, "FuzzyDateError": 0, "pgettext_lazy": 1}
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
TYPED = re.compile("[{][^{}]*[}]|[RH]?[0-9]*年度?[^ ,)]*|検討中|未定|不明|令和[0-9]+年[^ ,)]*|約[0-9,]*")
"""What a person types into a field in any language."""


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(PO))


def placeholders(text):
    named = {(name, spec) for _, name, spec, _ in Formatter().parse(text) if name} if "{" in text else set()
    return named, set(re.findall(r"%\(\w+\)[sd]", text))


def texts_of(catalogue):
    return {(entry.msgctxt, entry.msgid): entry.msgstr for entry in catalogue}


def said_in(path):
    """The sentences that a module has translated, as far as they stand in the calls."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in TRANSLATING and node.args:
            said = node.args[TRANSLATING[name]]
            if isinstance(said, ast.Constant):
                yield said.value


def test_every_sentence_of_the_code_is_in_the_catalogue(catalogue):
    known = {entry.msgid for entry in catalogue}
    modules = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    said = {text for path in modules for text in said_in(path)}
    assert len(said) > 1000
    assert sorted(said - known) == []


def test_every_sentence_has_its_english(catalogue):
    assert [entry.msgid for entry in catalogue if not entry.translated() and not entry.obsolete] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_english_has_the_same_values_in_it(catalogue):
    wrong = [
        entry.msgid
        for entry in catalogue
        if placeholders(entry.msgid) != placeholders(entry.msgstr) and entry.msgstr != "{iso}"
    ]
    assert wrong == []


def test_english_is_english_but_for_what_is_typed(catalogue):
    wrong = [entry.msgstr for entry in catalogue if JAPANESE.search(TYPED.sub("", entry.msgstr))]
    assert wrong == []


def test_compiled_catalogue_is_the_written_one(catalogue):
    compiled = polib.mofile(PO.with_suffix(".mo").read_bytes())
    assert texts_of(compiled) == texts_of(catalogue)


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("options", "language"),
    [
        ({}, "ja"),
        ({"headers": {"accept-language": "en-GB"}}, "en"),
        ({"headers": {"accept-language": "fr"}}, "ja"),
        ({"query": "?lang=en"}, "en"),
        ({"query": "?lang=fr"}, "ja"),
        ({"query": "?lang=ja", "headers": {"accept-language": "en"}}, "ja"),
    ],
)
def test_page_is_in_the_language_that_is_asked_for(client, options, language):
    answer = client.get(f"/reconciliation/{options.pop('query', '')}", **options)
    html = answer.content.decode()
    assert (answer["Content-Language"], f'<html lang="{language}">' in html) == (language, True)
    assert "Accept-Language" in answer["Vary"]


def test_choice_is_kept_and_a_page_of_the_admin_opened_again_without_it(staff_client, seeded):
    page = reverse("admin:rollout_wave_changelist")
    answer = staff_client.get(f"{page}?status=planned&lang=en")
    assert (answer.status_code, answer["Location"]) == (302, f"{page}?status=planned")
    assert "Select wave to change" in staff_client.get(page).content.decode()
    staff_client.get(f"{page}?lang=ja")
    assert "移行単位" in staff_client.get(page).content.decode()


def test_error_is_in_the_reader_s_language_and_what_is_stored_is_not(staff_client, seeded):
    staff_client.get("/admin/?lang=en")
    address = reverse("admin:rollout_wave_bulk")
    sent = {"what": "cutover", "waves": wave().pk, "cutover": "R8.13", "reason": "x"}
    assert "months are 1 to 12" in staff_client.post(address, sent).content.decode().lower()
    assert in_japanese(STATUS_LABELS["planned"]) == "予定"


def test_api_answers_in_the_language_of_the_header(client, seeded):
    path = "/api/v1/waves/?status=nonsense"
    japanese = client.get(path).json()
    english = client.get(path, headers={"accept-language": "en"}).json()
    assert JAPANESE.search(japanese["title"])
    assert not JAPANESE.search(str({**english, "errors": TYPED.sub("", str(english["errors"]))}))


def test_what_is_stored_is_japanese_whoever_writes_it(staff_client, seeded):
    row, other = wave(), wave("mof-1")
    row.users = 5
    actions.save_row(row=row, actor=None, reason="前")
    staff_client.get("/admin/?lang=en")
    history = reverse("admin:rollout_wave_history", args=[row.pk])
    version = row.history.first().pk
    page = staff_client.get(reverse("admin:rollout_wave_change", args=[row.pk]) + f"?restore={version}")
    assert page.context["adminform"].form.initial["reason"].endswith("の版に戻す：")
    assert "Change" in staff_client.get(history).content.decode()
    page = staff_client.get(reverse("admin:rollout_scenario_add") + f"?wave={other.pk}")
    assert page.context["adminform"].form.initial["label"].startswith("財務省の変更（")
    lines = b"".join(staff_client.get(reverse("admin:rollout_changes_csv")).streaming_content).decode()
    assert lines.splitlines()[0].lstrip("\ufeff").startswith("日時,だれが")
    assert "移行単位" in lines
    assert "wave" not in lines.replace("nta-1", "")
