"""府省庁連絡担当: nothing of another ministry in any answer; and a proposal from its making to its end."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.urls import reverse

from ministries.liaison import LIAISON
from ministries.models import Assignment, Ministry
from rollout import actions, recompute, scenario_actions
from rollout.admin.base import ScopedAdmin
from rollout.models import Baseline, PlanVersion, Scenario, Wave
from tests.admin.edits import everything, url, wave
from tests.admin.test_pages import OWN, admin_url
from tests.factories import (
    AssignmentFactory,
    BaselineFactory,
    ContactFactory,
    FreezePeriodFactory,
    RolloutFactory,
    UserFactory,
    WaveFactory,
)
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")

ADD = reverse("admin:rollout_scenario_add")
SECRET = "ヒミツ"
LISTS = [
    "ministries",
    "rollouts",
    "waves",
    "scenarios",
    "baselines",
    "cohorts",
    "sources",
    "targets",
    "observations",
]
WHOLE = [
    "projection/movers/?baseline=then",
    "projection/comparison/?baseline=then",
    "projection/comparison/waves/?baseline=then",
    "reconciliation/",
    "changes/",
]


@pytest.fixture(autouse=True)
def _groups(seeded):
    roles = [import_module(f"rollout.migrations.{number}") for number in ("0007_roles", "0009_liaison")]
    for each in roles:
        roles[0].make_groups(apps, each.ROLES)


def person(role, **values):
    user = UserFactory(is_staff=True, **values)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def liaison():
    """Looks after 国税庁."""
    user = person(LIAISON)
    AssignmentFactory(user=user, ministry=Ministry.objects.get(code="nta"))
    return user


@pytest.fixture
def hidden(liaison):
    """Rows of another ministry, each with a name that must not be seen; with versions, and one deleted."""
    ministry = Ministry.objects.create(code="secret", name=f"{SECRET}庁", kind="agency", order=900)
    rollout = RolloutFactory(code="secret", lead_ministry=ministry, scope=SECRET)
    rows = [
        ministry,
        rollout,
        WaveFactory(rollout=rollout, code="secret-1", name=SECRET, note=SECRET, cutover="R8.12"),
        ContactFactory(ministry=ministry, name=SECRET, email="secret@example.go.jp"),
        FreezePeriodFactory(ministry=ministry, label=SECRET),
        suppose(("secret", "cutover", "R9.6"), label=SECRET, state="proposed"),
        AssignmentFactory(user=person("PMO編集者", username=f"{SECRET}さん"), ministry=ministry),
    ]
    gone = WaveFactory(rollout=rollout, code="secret-2", name=SECRET)
    actions.delete_row(row=gone, actor=None, reason=SECRET)
    actions.save_row(row=rows[2], actor=None, reason=SECRET)
    suppose(("secret", "cutover", "R9.6"), label=f"{SECRET}2").delete()
    dropped = Scenario.history.filter(history_type="-").get()
    BaselineFactory(code="then")
    recompute.recompute()
    return rows, dropped


def text_of(answer):
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8", "replace")


def addresses(rows, dropped):
    """Everything in the admin that lists, finds, exports or shows."""
    yield reverse("admin:index")
    yield from (
        f"{reverse('admin:rollout_changes')}?kind={kind}" for kind in ("", "wave", "contact", "scenario")
    )
    yield reverse("admin:rollout_changes") + f"?ministry={rows[0].pk}"
    yield reverse("admin:rollout_changes_csv")
    for model in OWN:
        yield from (admin_url(model, page) for page in ("changelist", "add"))
        yield f"{admin_url(model, 'changelist')}?q={SECRET}"
    for row in rows:
        yield from (admin_url(type(row), page, row.pk) for page in ("change", "history", "delete"))
    yield from (reverse(f"admin:rollout_wave_export_{ending}") for ending in ("csv", "xlsx"))
    yield reverse("admin:ministries_contact_export_csv")
    for field in ("rollout", "wave"):
        query = f"app_label=rollout&model_name=scenariochange&field_name={field}&term="
        yield f"{reverse('admin:autocomplete')}?{query}"
    yield f"{ADD}?wave={rows[2].pk}"
    yield f"{ADD}?restore={dropped.history_id}"
    yield reverse("admin:rollout_scenario_promote", args=[rows[5].pk])


def test_nothing_of_another_ministry_is_in_any_page_of_the_admin(client, liaison, hidden):
    client.force_login(liaison)
    seen = {}
    for address in addresses(*hidden):
        answer = client.get(address)
        seen[address] = answer.status_code
        html = text_of(answer).replace(f'value="{SECRET}"', "")  # what was searched for
        assert SECRET not in html, address
        assert "secret@example" not in html, address
    assert set(seen.values()) == {200, 302, 403}
    assert seen[reverse("admin:rollout_wave_changelist")] == 200


def test_who_is_limited_is_so_in_every_language(client, liaison):
    client.force_login(liaison)
    for language in ("ja", "en"):
        client.get(f"/admin/?lang={language}")
        [row] = client.get(reverse("admin:rollout_wave_changelist")).context["cl"].result_list
        assert row.code == "nta-1"


def test_rows_of_their_own_are_in_the_pages(client, liaison):
    client.force_login(liaison)
    contact = ContactFactory(ministry=Ministry.objects.get(code="nta"), name="国税さん")
    waves = client.get(reverse("admin:rollout_wave_changelist")).context["cl"].result_list
    assert [row.code for row in waves] == ["nta-1"]
    assert "国税さん" in text_of(client.get(url(contact)))
    assert "国税庁" in text_of(client.get(url(wave(), "history")))
    assert "国税さん" in text_of(client.get(reverse("admin:rollout_changes")))


@pytest.mark.parametrize("public", [True, False])
def test_api_shows_them_what_anybody_sees_or_else_their_own(client, settings, liaison, hidden, public):
    settings.PUBLIC_READ = public
    client.force_login(liaison)
    for name in LISTS:
        for query in ("", "?search=ヒミツ") if name in ("ministries", "rollouts", "waves") else ("",):
            text = text_of(client.get(f"/api/v1/{name}/{query}"))
            assert (SECRET in text) == (public and name in ("ministries", "rollouts", "waves")), name
    past = text_of(client.get("/api/v1/waves/?as_of=2026-11-23"))
    assert (SECRET in past, "nta-1" in past) == (public, True)
    for name in ("rollouts/secret/", "waves/secret-1/", "ministries/secret/"):
        assert client.get(f"/api/v1/{name}").status_code == (200 if public else 404)
    whole = {client.get(f"/api/v1/{name}").status_code for name in WHOLE}
    assert whole == ({200} if public else {403})
    assert client.get("/api/v1/reminders/").status_code == 403
    assert client.get("/api/v1/projection/").status_code == 200
    pages = {client.get(page).status_code for page in ("/", "/comparison/", "/reconciliation/", "/calendar/")}
    assert pages == ({200} if public else {403})


def test_api_names_nobody_to_them_but_to_others(client, liaison):
    BaselineFactory(code="then")
    row = wave()
    row.cutover = "R9.6"
    actions.save_row(row=row, actor=person("PMO編集者", username="henshu"), reason="理由")
    address = "/api/v1/projection/movers/?baseline=then&month=2027-03"
    for user, named in ((liaison, False), (person("監査"), True)):
        client.force_login(user)
        assert ("henshu" in text_of(client.get(address))) == named


def test_every_list_of_ours_is_scoped():
    assert [model for model in OWN if not isinstance(admin.site._registry[model], ScopedAdmin)] == []


def test_other_roles_do_not_widen_what_they_see(client, liaison):
    liaison.groups.add(Group.objects.get(name="PMO編集者"))
    client.force_login(liaison)
    waves = client.get(reverse("admin:rollout_wave_changelist")).context["cl"].result_list
    assert [row.code for row in waves] == ["nta-1"]


@pytest.mark.parametrize("name", ["wave_bulk", "wave_merge", "wave_import", "cohort_document"])
def test_what_changes_many_rows_is_shut_to_them_whatever_other_roles_they_have(client, liaison, name):
    liaison.groups.add(Group.objects.get(name="PMO責任者"))
    client.force_login(liaison)
    assert client.post(reverse(f"admin:rollout_{name}"), {"waves": wave("mof-1").pk}).status_code == 403


def proposal(client, **values):
    """Propose from the wave's page, as a browser would; the scenario, or the page that refuses."""
    address = client.get(url(wave())).context["propose"]
    page = client.get(address)
    form = page.context["adminform"].form
    [inline] = page.context["inline_admin_formsets"]
    change = inline.formset.forms[0]
    sent = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent |= {
        f"changes-0-{name}": change.get_initial_for_field(change.fields[name], name) for name in change.fields
    }
    sent |= {"changes-TOTAL_FORMS": 1, "changes-INITIAL_FORMS": "0", "changes-0-value": "R8.9"}
    sent = {name: value for name, value in {**sent, **values}.items() if value}
    answer = client.post(ADD, sent)
    return Scenario.objects.get() if answer.status_code == 302 else answer


def test_proposal_is_made_from_the_page_of_a_wave(client, liaison):
    client.force_login(liaison)
    made = proposal(client)
    assert (made.state, made.created_by, made.label[:6]) == ("proposed", liaison, "国税庁の変更")
    assert [str(each) for each in made.changes.all()] == ["国税庁 切替：R8.9"]
    matters = client.get(reverse("admin:index")).content.decode()
    assert ("判断を待つ申請" in matters, "PMOの判断を待っています" in matters) == (True, True)


def test_change_of_another_ministry_cannot_be_proposed(client, liaison):
    client.force_login(liaison)
    other = wave("mof-1")
    refused = proposal(client, **{"changes-0-rollout": other.rollout_id, "changes-0-wave": other.pk})
    assert (refused.status_code, Scenario.objects.count()) == (200, 0)
    assert "正しく選択してください" in refused.content.decode()


@pytest.fixture
def proposed(client, liaison):
    client.force_login(liaison)
    made = proposal(client)
    client.force_login(person("PMO編集者", username="henshu"))
    return made


def decide(client, scenario, **sent):
    address = url(scenario, "promote")
    page = client.get(address).context
    seen = {"seen_version": page["version"], "seen_based_on": scenario.based_on.isoformat()}
    return client.post(address, {**seen, "reason": "了承", **sent}, follow=True)


def test_editor_accepts_a_proposal_in_one_step(client, proposed):
    ContactFactory(ministry=Ministry.objects.get(code="nta"))
    context = client.get(url(proposed, "promote")).context
    assert [step.after for step in context["steps"]] == ["R8.9"]
    assert context["impact"].months == "R8.6〜R8.8"
    assert context["mails"][1].total > 0
    answer = decide(client, proposed)
    assert "計画に反映しました" in answer.content.decode()
    assert (wave().cutover.text, Scenario.objects.get().state) == ("R8.9", "promoted")
    assert wave().history.first().history_user.username == "henshu"


def test_editor_declines_a_proposal_and_its_author_reads_why(client, proposed, liaison):
    before = everything()[0][Wave]
    answer = decide(client, proposed, _decline="1", reason="時期が重なるため")
    assert "見送りました" in answer.content.decode()
    assert (Scenario.objects.get().state, everything()[0][Wave]) == ("declined", before)
    client.force_login(liaison)
    assert "見送られた申請" in client.get(reverse("admin:index")).content.decode()
    assert "時期が重なるため" in client.get(url(proposed, "history")).content.decode()
    page = client.get(url(proposed)).context["adminform"].form
    assert [key for key, _ in page.fields["state"].choices] == ["draft", "proposed", "declined", "withdrawn"]


def test_proposal_is_not_declined_without_a_reason_twice_or_unseen(client, proposed):
    assert "理由を書いてください" in decide(client, proposed, _decline="1", reason=" ").content.decode()
    values = {"scenario": proposed, "actor": None, "seen_based_on": proposed.based_on}
    with pytest.raises(ValidationError):
        scenario_actions.decline_scenario(reason=" ", **values)
    scenario_actions.decline_scenario(reason="見送る", **values)
    with pytest.raises(ValidationError):
        scenario_actions.decline_scenario(reason="見送る", **values)


def test_proposal_that_was_changed_meanwhile_is_looked_at_again(client, proposed):
    scenario_actions.save_scenario(scenario=Scenario.objects.get(), looked_again=True, actor=None)
    answer = decide(client, proposed, _decline="1")
    assert Scenario.objects.get().state == "proposed"
    assert str(scenario_actions.LOOK_AGAIN) in answer.content.decode()


def test_nobody_but_a_lead_decides_about_their_own_proposal(client):
    for role, status in (("PMO編集者", 403), ("PMO責任者", 200)):
        user = person(role)
        client.force_login(user)
        own = suppose(("nta", "cutover", "R9.6"), actor=user, state="proposed")
        assert client.get(url(own, "promote")).status_code == status


def test_what_was_decided_is_not_decided_by_an_editor_again(client, proposed):
    decide(client, proposed)
    number = PlanVersion.objects.get().number
    assert client.get(url(proposed, "promote")).status_code == 403
    assert (PlanVersion.objects.get().number, Baseline.objects.count()) == (number, 0)


def test_addresses_that_fail_and_secret_urls_are_for_others(client, liaison, monkeypatch):
    contact = ContactFactory(ministry=Ministry.objects.get(code="nta"), role="pmo")
    called = []
    monkeypatch.setattr("rollout.admin.people.failing_addresses", lambda: called.append(1) or [])
    client.force_login(liaison)
    client.get(reverse("admin:ministries_contact_changelist"))
    assert (called, "token=" in client.get(url(contact)).content.decode()) == ([], False)
    client.force_login(person("PMO編集者"))
    client.get(reverse("admin:ministries_contact_changelist"))
    assert (called, "token=" in client.get(url(contact)).content.decode()) == ([1], True)


def test_contact_that_has_left_is_not_named_by_its_old_versions(client, liaison):
    contact = ContactFactory(ministry=Ministry.objects.get(code="nta"), name="前の名前")
    contact.ministry, contact.name, contact.email = (
        Ministry.objects.get(code="mof"),
        SECRET,
        "secret@example.go.jp",
    )
    actions.save_row(row=contact, actor=None, reason="異動")
    client.force_login(liaison)
    for name in ("changes", "changes_csv"):
        text = text_of(client.get(reverse(f"admin:rollout_{name}")))
        assert ("前の名前" in text, SECRET in text, "secret@" in text) == (True, False, False)


@pytest.mark.parametrize("public", [True, False])
def test_frame_and_totals_name_no_rows_of_others(client, settings, liaison, public):
    settings.PUBLIC_READ = public
    client.force_login(liaison)
    cohorts = client.get("/api/v1/cohorts/").json()["results"]
    members = {code for cohort in cohorts for code in cohort["rollouts"]}
    [undated] = client.get("/api/v1/projection/").json()["undated"]
    assert ("mof" in members, "nta" in members, bool(undated["uncounted_rollouts"])) == (public, True, public)


def test_who_looks_after_a_ministry_no_more_sees_no_plan_through_an_old_proposal(client, liaison):
    client.force_login(liaison)
    made = proposal(client)
    assert made.label in client.get(url(made)).content.decode()
    Assignment.objects.filter(user=liaison).delete()
    answers = [client.get(url(made), follow=True), client.get(reverse("admin:rollout_scenario_changelist"))]
    answers.append(client.get("/api/v1/scenarios/"))
    assert [made.label in answer.content.decode() for answer in answers] == [False] * 3


def test_page_that_they_may_not_open_is_not_on_their_start_page(client, settings, liaison):
    row = Wave.objects.get(code="nta-1")
    row.users = 200_000
    row.save()
    recompute.recompute()
    client.force_login(liaison)
    for public in (True, False):
        settings.PUBLIC_READ = public
        html = client.get(reverse("admin:index")).content.decode()
        assert ("公表値と合わない数字" in html) is public


def test_rule_that_speaks_to_all_is_not_theirs_to_add(client, liaison):
    liaison.groups.add(Group.objects.get(name="PMO責任者"))
    client.force_login(liaison)
    assert client.get(reverse("admin:rollout_reminderrule_add")).status_code == 403


def test_outlook_of_all_mails_is_shut_to_them_whatever_other_roles_they_have(client, liaison):
    liaison.groups.add(Group.objects.get(name="PMO編集者"))
    client.force_login(liaison)
    for name in ("lookahead", "why"):
        assert client.get(reverse(f"admin:rollout_reminder_{name}")).status_code == 403
