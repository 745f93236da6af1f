"""The yearly slide: the source's own words from the published plan, and every reason not to print it."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from rollout import recompute
from rollout.domain.plan import Basis
from rollout.models import Citation, Cohort, Projection, Rollout
from rollout.slide import NOTHING, STALE, SlideRefused, _sentence, make_slide
from tests.api.edits import change, move, withdraw
from tests.conftest import SEED_NOW
from tests.factories import CohortFactory, RolloutFactory, WaveFactory


def slide(basis=Basis.CUMULATIVE):
    recompute.recompute()
    return make_slide(Projection.objects.current(basis, timezone.localdate()))


def reasons():
    with pytest.raises(SlideRefused) as refused:
        slide()
    return refused.value.reasons


def members(made):
    return {member.text: member.underlined for group in made.groups for member in group.members}


# Reasons not to print it


@pytest.mark.django_db
def test_slide_needs_a_plan(capsys):
    with pytest.raises(CommandError, match="まだ計算されていません"):
        call_command("slide")
    assert reasons() == [NOTHING]


@pytest.mark.usefixtures("seeded")
def test_slide_waits_for_the_figures():
    move("nta-1", "R8.9")
    with pytest.raises(SlideRefused) as refused:
        make_slide(Projection.objects.current(Basis.CUMULATIVE, timezone.localdate()))
    assert refused.value.reasons == [STALE]


@pytest.mark.usefixtures("seeded")
def test_increase_that_is_not_there_any_more_is_told_with_its_users_and_its_member():
    move("nta-1", "R9.9")
    increase, multiple, member = reasons()
    assert "公表値が約80,000人、計画が11,400人" in increase
    assert "±5,000人）を超えて違います（−68,600人）" in increase
    assert "公表値が144,000人、計画が83,400人" in multiple
    assert member == "「国税庁 (R9.9)」はR8年度導入予定の区分ですが、切替がR8年度ではありません。"


@pytest.mark.usefixtures("seeded")
def test_who_moves_in_the_year_without_being_underlined_is_told():
    move("mof-1", "R9.2")
    assert reasons() == ["「財務省 (R9.2)」は切替がR8年度ですが、R8年度導入予定の区分ではありません。"]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("cutover", ["検討中", "R8.6以降"])
def test_member_whose_year_nobody_knows_is_told(cutover):
    move("nra-1", cutover)
    assert any(
        "「原子力規制庁" in reason and reason.endswith("R8年度ではありません。") for reason in reasons()
    )


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("code", "cutover", "reason"),
    [
        (
            "jma-1",
            "R10.4",
            "「気象庁 (R10.4)」はR8年度より前の区分ですが、切替がR8年度より前ではありません。",
        ),
        (
            "jma-1",
            "検討中",
            "「気象庁 (検討中)」はR8年度より前の区分ですが、切替がR8年度より前ではありません。",
        ),
        ("mof-1", "R8.2", "「財務省 (R8.2)」はR8年度以降の区分ですが、切替がR8年度より前です。"),
    ],
)
def test_date_on_the_wrong_side_of_the_year_is_told(code, cutover, reason):
    move(code, cutover)
    assert reason in reasons()


@pytest.mark.usefixtures("seeded")
def test_member_of_the_open_group_may_be_undecided():
    move("mof-1", "検討中")
    assert "財務省 (検討中)" in members(slide())


@pytest.mark.usefixtures("seeded")
def test_rollout_without_waves_is_told():
    RolloutFactory(cohort=Cohort.objects.get(code="fy2026"))
    assert any(reason.endswith("には移行単位がありません。") for reason in reasons())


@pytest.mark.usefixtures("seeded")
def test_users_that_are_withdrawn_are_missing_from_their_total():
    withdraw("moe-1")
    assert any(
        reason.startswith("「GSSを利用開始している府省庁」は公表値が約47,000人") for reason in reasons()
    )


@pytest.mark.usefixtures("seeded")
def test_total_that_its_members_exceed_is_told():
    change(Cohort.objects.get(code="fy2025"), published_users=10_000)
    assert any("令和7年度に導入完了予定" in reason and "（+8,700人）" in reason for reason in reasons())


@pytest.mark.usefixtures("seeded")
def test_total_with_nobody_to_share_it_is_told():
    for code in ("jftc-1", "jma-1"):
        withdraw(code)
    assert any("令和7年度に導入完了予定" in reason and "（−6,300人）" in reason for reason in reasons())


@pytest.mark.usefixtures("seeded")
def test_command_says_every_reason():
    move("nta-1", "R9.9")
    recompute.recompute()
    with pytest.raises(CommandError) as refused, time_machine.travel(SEED_NOW + timedelta(minutes=1)):
        call_command("slide")
    lines = str(refused.value).splitlines()
    assert (lines[0], len(lines)) == ("計画と公表値が合わないため、年次資料を出せません。", 4)


# What it says


@pytest.mark.usefixtures("seeded")
def test_slide_of_the_published_plan_is_in_the_words_of_its_source():
    """But for こども家庭庁, whose official name the source has otherwise."""
    cited = Citation.objects.filter(source__code="budget-r8", subject="cutover", adopted=True)
    ordered = cited.order_by("rollout__cohort__order", "rollout__order").values_list(
        "rollout__cohort__code", "text"
    )
    words = [(code, text.replace("子ども", "こども")) for code, text in ordered]
    made = slide()
    inner_first = sorted(
        words, key=lambda pair: ["in-use", "fy2025", "fy2026", "fy2026-onward"].index(pair[0])
    )
    assert list(members(made)) == [text for _, text in inner_first]
    assert [text for text, underlined in members(made).items() if underlined] == [
        text for code, text in words if code == "fy2026"
    ]
    assert [group.total for group in made.groups] == [
        "約47,000ユーザー",
        "約25,000ユーザー",
        "約272,000ユーザー",
    ]
    assert [group.undecided for group in made.groups] == ["", "", "その他省庁は検討中"]
    assert made.legends == ["R8年度導入予定"]
    assert made.sentences == ["R7年度末からR8年度末にかけて、ユーザー数は倍増 (約8万の増加) を見込む"]
    assert "ユーザー数は倍増 (約8万の増加) を見込む" in Cohort.objects.get(code="fy2026").text_in_source


@pytest.mark.usefixtures("seeded")
def test_slide_says_what_the_plan_says_now():
    move("nra-1", "R8.9")
    WaveFactory(rollout=Rollout.objects.get(code="meti"), code="meti-2", cutover="R8.11")
    change(Rollout.objects.get(code="jma"), scope="本庁", partial=True)
    withdraw("moj-rehabilitation-1")
    told = members(slide())
    assert {
        "原子力規制庁 (R8.9)": True,
        "経済産業省 (R8.7~)": True,
        "気象庁 本庁 (一部R8.2~)": False,
    }.items() <= (told.items())
    assert not any("保護局" in text for text in told)


@pytest.mark.usefixtures("seeded")
def test_slide_is_the_same_on_both_readings():
    assert slide(Basis.GROUP) == slide()


@pytest.mark.usefixtures("seeded")
def test_command_prints_plain_text(capsys):
    with time_machine.travel(SEED_NOW):
        call_command("slide")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "■ GSSを利用開始している府省庁（約47,000ユーザー）"
    assert "  ・【国税庁 (R8.6~)】" in lines
    assert lines[-2:] == [
        "【】はR8年度導入予定",
        "R7年度末からR8年度末にかけて、ユーザー数は倍増 (約8万の増加) を見込む",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"published_multiple": 3}, "ユーザー数は3倍 (約8万の増加) を見込む"),
        ({"published_multiple": None}, "ユーザー数は約8万の増加を見込む"),
        ({"approximate": False, "published_users": 81_500}, "ユーザー数は倍増 (81,500人の増加) を見込む"),
    ],
)
def test_sentence_follows_the_figures(values, sentence):
    cohort = CohortFactory.build(
        **{
            "published_users": 80_000,
            "approximate": True,
            "fiscal_year": 2026,
            "published_multiple": 2,
            **values,
        }
    )
    assert _sentence(cohort) == f"R7年度末からR8年度末にかけて、{sentence}"


@pytest.mark.usefixtures("seeded")
def test_nobody_is_left_out_however_deep_their_group_lies():
    inner = CohortFactory(inside=Cohort.objects.get(code="fy2026"), published_users=1_000, order=9)
    change(Rollout.objects.get(code="nra"), cohort=inner)
    assert members(slide())["原子力規制庁 (R8.6~)"] is True
