"""What a person may do: written once, with who and why, and not at all when a rule is broken."""

from datetime import date

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from rollout import actions
from rollout.domain.plan import Status
from rollout.models import Citation, PlanVersion, Rollout, RolloutCoverage, Wave
from tests.factories import MinistryFactory, RolloutFactory, SourceFactory, WaveFactory
from tests.rollout.ledger import START, at, owe

pytestmark = pytest.mark.django_db

IN_USE = Status.IN_USE.value
TODAY = "R8.11.24"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def save(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    return actions.save_row(row=row, actor=None, reason="変更")


def refusal(row, **values):
    """The fields that a save is refused for; nothing is written."""
    before = list(Wave.objects.values()), PlanVersion.objects.current().number
    with pytest.raises(ValidationError) as caught:
        save(row, **values)
    assert (list(Wave.objects.values()), PlanVersion.objects.current().number) == before
    return list(caught.value.message_dict)


def test_save_row_adds_one_version_to_the_history_and_raises_the_number():
    wave = WaveFactory(users=1)
    before = PlanVersion.objects.get().number
    save(wave, users=2, note="二次")
    assert (wave.history.count(), PlanVersion.objects.get().number) == (2, before + 1)


@pytest.mark.parametrize(("reason", "stored"), [("財務省からの連絡", "財務省からの連絡"), ("", None)])
def test_save_row_keeps_who_and_why(django_user_model, reason, stored):
    actor = django_user_model.objects.create_user("sato")
    wave = actions.save_row(row=WaveFactory.build(rollout=RolloutFactory()), actor=actor, reason=reason)
    assert wave.history.values_list("history_type", "history_user", "history_change_reason").get() == (
        "+",
        actor.pk,
        stored,
    )


CUTOVERS = {
    "another month": ("R9.1", "R9.2", 2),
    "another precision": ("R9.1", "R9.1.15", 2),
    "decided": ("検討中", "R9.1", 2),
    "undecided": ("R9.1", "検討中", 2),
    "no end any more": ("R9.1", "R9.1以降", 2),
    "written another way": ("R9.1", "2027-01", 1),
    "going on from then": ("R9.1", "R9.1~", 1),
    "not touched": ("R9.1", "R9.1", 1),
}


@pytest.mark.parametrize(("before", "after", "version"), CUTOVERS.values(), ids=CUTOVERS)
def test_cutover_with_other_bounds_is_a_new_version(clock, before, after, version):
    wave = WaveFactory(cutover=before)
    clock.shift(3600)
    save(wave, cutover=after)
    wave.refresh_from_db()
    since = at("2026-11-24 11:00") if version == 2 else START
    assert (wave.cutover_version, wave.cutover_since) == (version, since)


def test_cutover_version_cannot_be_set_by_the_caller():
    wave = WaveFactory()
    save(wave, cutover_version=9)
    assert Wave.objects.get().cutover_version == 1


def test_new_wave_begins_with_version_one():
    wave = save(WaveFactory.build(rollout=RolloutFactory()))
    assert (wave.cutover_version, wave.cutover_since, wave.cutover_latest) == (1, START, date(2027, 1, 31))


def test_confirmation_replaces_the_cutover_with_the_actual_day():
    wave = WaveFactory(cutover="R8.6~", status="planned")
    save(wave, status=IN_USE, cutover="R8.6.15")
    assert [version.cutover.text for version in wave.history.order_by("history_id")] == ["R8.6~", "R8.6.15"]


@pytest.mark.parametrize("cutover", ["R8.6", "R8.6~", "R8年度", "R8", "検討中", "R8.6以降"])
def test_confirmation_needs_a_day(cutover):
    assert refusal(WaveFactory(), status=IN_USE, cutover=cutover) == ["cutover"]


@pytest.mark.parametrize("cutover", ["R8.11.25", "R9.1.15"])
def test_confirmation_refuses_a_day_to_come(cutover):
    assert refusal(WaveFactory(), status=IN_USE, cutover=cutover) == ["cutover"]


def test_confirmation_takes_today_in_tokyo(clock):
    clock.move_to(at("2026-11-24 00:30"))
    assert save(WaveFactory(), status=IN_USE, cutover=TODAY).cutover_latest == date(2026, 11, 24)


def test_new_wave_in_use_needs_its_day_as_well():
    row = WaveFactory.build(rollout=RolloutFactory(), status=IN_USE, cutover="R8.6")
    assert refusal(row) == ["cutover"]


def test_wave_in_use_keeps_a_coarse_date():
    wave = WaveFactory(cutover="R3~", status=IN_USE)
    assert save(wave, users=500).users == 500


@pytest.mark.parametrize("cutover", ["検討中", "R8.6以降", "R8.12"])
def test_wave_in_use_keeps_a_date_that_has_begun_and_ends(cutover):
    assert refusal(WaveFactory(cutover="R3~", status=IN_USE), cutover=cutover) == ["cutover"]


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_status_may_jump_forward_and_be_corrected_backward(before, after):
    wave = WaveFactory(status=before.value, cutover=TODAY)
    assert save(wave, status=after.value).status == after


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        (["cutover"], True),
        (["users"], True),
        (["status", "note"], True),
        (["note"], False),
        ([], False),
    ],
)
def test_needs_reason_for_what_moves_a_figure(fields, needed):
    wave = WaveFactory()
    assert actions.needs_reason(wave, fields) is needed
    assert actions.needs_reason(Wave(), fields) is False


def test_delete_row_refuses_the_last_wave():
    wave = WaveFactory()
    with pytest.raises(ValidationError) as caught:
        actions.delete_row(row=wave, actor=None, reason="重複")
    assert caught.value.messages == [
        "導入案件には移行単位が1つ以上必要です。やめる場合は状態を「中止」にしてください。"
    ]
    assert Wave.objects.count() == 1


def test_delete_row_takes_a_wave_that_has_others_beside_it():
    wave = WaveFactory()
    other = WaveFactory(rollout=wave.rollout)
    actions.delete_row(row=wave, actor=None, reason="重複")
    assert list(Wave.objects.all()) == [other]


def test_delete_row_takes_a_rollout_with_all_its_parts(django_user_model):
    actor = django_user_model.objects.create_user("sato")
    rollout = WaveFactory().rollout
    RolloutCoverage.objects.create(rollout=rollout, ministry=MinistryFactory())
    Citation.objects.create(rollout=rollout, source=SourceFactory(), subject="users", text="約100人")
    actions.delete_row(row=rollout, actor=actor, reason="重複")
    for model in (Rollout, Wave, RolloutCoverage, Citation):
        last = model.history.first()
        assert (model.objects.count(), last.history_type, last.history_change_reason) == (0, "-", "重複")
        assert last.history_user == actor


def test_delete_row_keeps_everything_where_mail_was_owed():
    rollout = owe().rollout
    with pytest.raises(ProtectedError), transaction.atomic():
        actions.delete_row(row=rollout, actor=None, reason="重複")
    assert (Rollout.objects.count(), Wave.objects.count()) == (1, 1)


def test_save_row_that_the_database_refuses_leaves_nothing():
    wave = WaveFactory()
    before = PlanVersion.objects.get().number
    with pytest.raises(IntegrityError), transaction.atomic():
        save(wave, status="late")
    assert (wave.history.count(), PlanVersion.objects.get().number) == (1, before)


SOURCE_SAYS = "令和9年6月に利用を開始する"


def cite(row, source, *, text=SOURCE_SAYS, locator="", actor=None, **values):
    for name, value in values.items():
        setattr(row, name, value)
    given = actions.Evidence(source, text, locator)
    return actions.save_row(row=row, actor=actor, reason="連絡", evidence=given)


def said(**condition):
    """Who says what of which wave, of what, and whether the plan follows it."""
    rows = Citation.objects.filter(**condition).order_by("subject", "pk")
    return [
        (
            row.subject,
            row.wave and row.wave.code,
            row.text,
            row.says_cutover.text or row.says_users,
            row.adopted,
        )
        for row in rows
    ]


def refused_citation(row, **values):
    """What a cited change is refused with; nothing is written."""
    source, before = SourceFactory(), PlanVersion.objects.current().number
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        cite(row, source, **values)
    assert (Citation.objects.count(), PlanVersion.objects.get().number) == (0, before)
    return caught.value.messages


@pytest.mark.parametrize(
    "find",
    [
        pytest.param(lambda: (WaveFactory(), {"note": "備考"}), id="wave"),
        pytest.param(lambda: (WaveFactory(), {}), id="nothing changed"),
        pytest.param(lambda: (WaveFactory().rollout, {"weight": 5}), id="rollout"),
        pytest.param(lambda: (RolloutFactory.build(cohort=None), {}), id="new rollout without a count"),
        pytest.param(lambda: (MinistryFactory(), {"name": "新しい省"}), id="ministry"),
    ],
)
def test_citation_of_nothing_is_refused(find):
    row, values = find()
    assert refused_citation(row, **values) == [actions.NOTHING_CITED]


def test_refused_change_leaves_no_citation():
    wave = WaveFactory()
    with pytest.raises(ValidationError):
        cite(wave, SourceFactory(), status=IN_USE, cutover="R9.6")
    assert (said(), wave.history.count()) == ([], 1)


CHANGES = {
    "cutover": ({"cutover": "R9.6"}, [("cutover", None, SOURCE_SAYS, "R9.6", True)]),
    "another spelling": ({"cutover": "令和9年1月"}, [("cutover", None, SOURCE_SAYS, "令和9年1月", True)]),
    "no date any more": ({"cutover": "検討中"}, [("cutover", None, SOURCE_SAYS, "検討中", True)]),
    "status": ({"status": "preparing"}, [("cutover", None, SOURCE_SAYS, "R9.1", True)]),
    "users": ({"users": 0}, [("users", None, SOURCE_SAYS, 0, True)]),
    "both": (
        {"users": 7, "cutover": "R9.6"},
        [("cutover", None, SOURCE_SAYS, "R9.6", True), ("users", None, SOURCE_SAYS, 7, True)],
    ),
}


@pytest.mark.parametrize(("values", "expected"), CHANGES.values(), ids=CHANGES)
def test_cited_change_adopts_what_the_source_says(values, expected):
    wave = WaveFactory()
    cite(wave, SourceFactory(), **values)
    assert said() == expected
    first = Citation.objects.order_by("subject").first()
    assert (wave.history.count(), wave.history.latest().history_citation_id) == (2, first.pk)
    assert wave.history.earliest().history_citation_id is None


def test_cited_count_of_a_rollout_speaks_of_the_whole():
    rollout = WaveFactory(rollout__users=5).rollout
    cite(rollout, SourceFactory(), users=9)
    assert said() == [("users", None, SOURCE_SAYS, 9, True)]
    assert rollout.history.latest().history_citation == Citation.objects.get()


def test_new_wave_beside_another_is_cited_alone():
    rollout = WaveFactory().rollout
    wave = cite(WaveFactory.build(rollout=rollout, code="second", users=3), SourceFactory())
    assert said() == [
        ("cutover", "second", SOURCE_SAYS, "R9.1", True),
        ("users", "second", SOURCE_SAYS, 3, True),
    ]
    assert wave.history.get().history_citation.subject == "cutover"


def test_what_was_adopted_before_stays_without_being_followed(django_user_model):
    actor = django_user_model.objects.create_user("sato")
    wave = WaveFactory()
    cite(wave, SourceFactory(), text="前の資料", cutover="R9.3")
    cite(wave, SourceFactory(), actor=actor, cutover="R9.6")
    assert said() == [
        ("cutover", None, "前の資料", "R9.3", False),
        ("cutover", None, SOURCE_SAYS, "R9.6", True),
    ]
    for row in Citation.objects.all():
        last = row.history.latest()
        assert (last.history_user, last.history_change_reason) == (actor, "連絡")
    assert [row.history.count() for row in Citation.objects.order_by("pk")] == [2, 1]


def test_adopting_for_one_wave_leaves_the_whole_and_the_others_alone():
    wave = WaveFactory(code="first")
    other = WaveFactory(rollout=wave.rollout, code="second")
    source = SourceFactory()
    Citation.objects.create(rollout=wave.rollout, source=source, subject="cutover", text="全体", adopted=True)
    cite(other, source, cutover="R9.7")
    cite(wave, source, cutover="R9.6")
    assert [(code, adopted) for _, code, _, _, adopted in said()] == [
        (None, True),
        ("second", True),
        ("first", True),
    ]


def test_place_that_is_cited_keeps_its_words():
    wave, source = WaveFactory(cutover="R9.2"), SourceFactory()
    cite(wave, source, cutover="R9.3", locator="2頁", text="R9.3~")
    with pytest.raises(ValidationError) as caught:
        cite(wave, source, cutover="R9.6", locator="2頁", text="R9.6~")
    (message,) = caught.value.messages
    assert message.startswith("この出典の同じ箇所から、もう「R9.3~」を引用しています。")
    assert said() == [("cutover", None, "R9.3~", "R9.3", True)]
    assert Wave.objects.get().cutover.text == "R9.3"


def test_same_words_cited_again_are_followed_again():
    wave, source = WaveFactory(), SourceFactory()
    cite(wave, source, cutover="R9.3", locator="2頁")
    cite(wave, SourceFactory(), cutover="R9.4")
    cite(wave, source, cutover="R9.6", locator="2頁")
    assert said(source=source) == [("cutover", None, SOURCE_SAYS, "R9.6", True)]
    assert said(adopted=True) == said(source=source)
    cite(wave, source, cutover="R9.7", locator="3頁")
    assert [row[-1] for row in said(source=source)] == [False, True]


def test_change_without_a_source_has_no_citation():
    wave = save(WaveFactory(), cutover="R9.6")
    assert (said(), wave.history.latest().history_citation_id) == ([], None)


def test_delete_row_takes_a_wave_with_its_citations(django_user_model):
    actor = django_user_model.objects.create_user("sato")
    wave = WaveFactory()
    other = WaveFactory(rollout=wave.rollout)
    kept = Citation.objects.create(
        rollout=wave.rollout, source=SourceFactory(), subject="users", text="約100人"
    )
    for each in (wave, other):
        cite(each, SourceFactory(), cutover="R9.6")
    gone = Citation.objects.get(wave=wave)
    actions.delete_row(row=wave, actor=actor, reason="重複")
    last = Citation.history.filter(id=gone.pk).latest()
    assert (last.history_type, last.history_change_reason, last.history_user) == ("-", "重複", actor)
    assert set(Citation.objects.values_list("pk", flat=True)) == {
        kept.pk,
        Citation.objects.get(wave=other).pk,
    }
