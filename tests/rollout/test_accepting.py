"""Calendar warnings of rows, and accepting them: once, with a reason, for this version of the cutover."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import accepting, actions
from rollout.calendar_warnings import warnings_about
from rollout.models import MonthlyLimit, WarningAcceptance, Wave
from tests.factories import FreezePeriodFactory, MinistryFactory, WaveFactory

FREEZE = ("freeze", "nta-tax-return")


def nta():
    return Wave.objects.select_related("rollout").get(code="nta-1")


@pytest.fixture
def frozen(seeded, django_user_model):
    """国税庁 cuts over in its freeze; returns who may accept that."""
    actor = django_user_model.objects.create_user("pmo")
    move("R9.2.18", actor)
    return actor


def move(cutover, actor=None):
    wave = nta()
    wave.cutover = cutover
    actions.save_row(row=wave, actor=actor, reason="国税庁からの連絡")


def accept(actor=None, **changes):
    wave = nta()
    values = {
        "wave": wave,
        "kind": "freeze",
        "subject": "nta-tax-return",
        "cutover_version": wave.cutover_version,
        "reason": "庁内で調整済み",
    }
    return accepting.accept_warning(**{**values, "actor": actor, **changes})


def shown():
    return [
        (each.warning.kind.value, each.warning.subject, each.acceptance and each.acceptance.reason)
        for each in warnings_about([nta()])
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"reason": " "}, accepting.REASON_NEEDED, id="no reason"),
        pytest.param({"cutover_version": 1}, accepting.MOVED, id="the cutover has moved"),
        pytest.param({"kind": "closed_day", "subject": ""}, accepting.MOVED, id="no such warning"),
        pytest.param({"subject": "other"}, accepting.MOVED, id="another freeze"),
    ],
)
def test_acceptance_is_refused_and_writes_nothing(frozen, changes, message):
    with pytest.raises(ValidationError) as caught:
        accept(**changes)
    assert (caught.value.messages, WarningAcceptance.objects.count()) == ([message], 0)


def test_accepted_warning_stays_visible_with_who_and_why(frozen):
    row = accept(frozen, reason=" 庁内で調整済み ")
    assert (row.reason, row.accepted_by) == ("庁内で調整済み", frozen)
    assert shown()[0] == (*FREEZE, "庁内で調整済み")


def test_warning_is_not_accepted_twice(frozen):
    accept(frozen)
    with pytest.raises(ValidationError) as caught:
        accept(frozen, reason="もう一度")
    assert caught.value.messages == [accepting.ACCEPTED_ALREADY]
    assert WarningAcceptance.objects.get().reason == "庁内で調整済み"


def test_moved_cutover_asks_anew_and_the_record_stays(frozen):
    accept(frozen)
    move("R9.2.19")
    assert shown()[0] == (*FREEZE, None)
    accept(frozen, reason="19日でもよい")
    assert WarningAcceptance.objects.count() == 2


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_warning_accepted_by_two_at_once_is_accepted_once():
    wave = WaveFactory(cutover="2031-06-15")

    def try_it(reason):
        try:
            accepting.accept_warning(
                wave=wave, kind="closed_day", subject="", cutover_version=1, actor=None, reason=reason
            )
        except ValidationError as error:
            return error.messages
        finally:
            connection.close()
        return []

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(try_it, ["一人目", "二人目"]))
    assert (answers, WarningAcceptance.objects.count()) == ([[], [accepting.ACCEPTED_ALREADY]], 1)


def test_month_too_full_is_said_of_all_its_waves(seeded):
    MonthlyLimit.objects.create(from_fiscal_year=2026, users=1000, cutovers=1)
    waves = [WaveFactory(code=f"w{n}", cutover=f"R9.5.{10 + n}", users=600) for n in range(2)]
    WaveFactory(cutover="R9.5", status="cancelled", users=9000)
    found = [
        (each.wave.code, each.warning.kind.value, each.text.split("、")[0])
        for each in warnings_about(waves, users_of=lambda ids: ids * 0 + 600)
        if each.warning.subject == "2027-05"
    ]
    assert found == [
        ("w0", "too_many_users", "R9.5の切替は合わせて1,200人で"),
        ("w0", "too_many_cutovers", "R9.5の切替は2件で"),
        ("w1", "too_many_users", "R9.5の切替は合わせて1,200人で"),
        ("w1", "too_many_cutovers", "R9.5の切替は2件で"),
    ]


def test_warnings_before_the_first_projection_count_nobody(db):
    MonthlyLimit.objects.create(from_fiscal_year=2019, users=1)
    assert warnings_about([WaveFactory(cutover="2031-05-07", users=600)]) == []


def test_freeze_of_a_covered_ministry_concerns_the_wave(db):
    freeze = FreezePeriodFactory(ministry=MinistryFactory(), first_day="2031-06-01", last_day="2031-06-30")
    wave = WaveFactory(cutover="2031-06-16")
    assert warnings_about([wave]) == []
    wave.rollout.coverages.create(ministry=freeze.ministry)
    assert [each.warning.subject for each in warnings_about([wave])] == [freeze.code]


def test_warnings_ask_the_same_number_of_questions_however_many_waves(seeded):
    MonthlyLimit.objects.create(from_fiscal_year=2026, users=1)
    asked = []
    for _ in range(2):
        waves = list(Wave.objects.select_related("rollout"))
        with CaptureQueriesContext(connection) as queries:
            warnings_about(waves)
        asked.append(len(queries))
        for _ in range(5):
            FreezePeriodFactory()
            WaveFactory(cutover="R9.6.5")
    assert asked[0] == asked[1]
