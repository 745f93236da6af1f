"""Findings in Japanese: those of the seed word for word, then what the seed does not have."""

import pytest

from rollout.domain.plan import Basis
from rollout.models import Citation, Projection
from rollout.models.labels import signed_percent_text
from rollout.recompute import recompute
from rollout.reconciliation import reconcile_published
from tests.conftest import SEED_NOW
from tests.factories import CohortFactory, ObservationFactory, RolloutFactory, SourceFactory, WaveFactory

THIN_REMAINDER = (
    "国税庁の公表人数 68,600人を引くと、"
    "「R8年度導入予定（資料では下線部）」の約80,000人のうち残りは 11,400人です。"
    "分け合う4機関のうち、定員が分かる3機関（出入国在留管理庁、経済産業省、原子力規制庁）だけで "
    "15,657人なので、按分した人数は定員より少なくなります。"
    "ただし「約」の幅（±5,000人）を見込めば残りは最大 16,400人で、定員が分かる機関の分には足ります。"
)
MIXED_IN_USE = (
    "「GSSを利用開始している府省庁」の残りを分ける重み（定員）は、範囲がそろっていません。"
    "「その機関だけ」は消費者庁、カジノ管理委員会、こども家庭庁、デジタル庁、金融庁、宮内庁、総務省、人事院、"
    "個人情報保護委員会、「複数の機関の合計」は内閣府（内閣官房と復興庁を含む）、「本省だけ」は環境省、"
    "「合計を等分」は農林水産省（本省）、農林水産省（地方拠点）です。按分した人数は、その分だけ不確かです。"
)
MIXED_FY2026 = (
    "「R8年度導入予定（資料では下線部）」の残りを分ける重み（定員）は、範囲がそろっていません。"
    "「その機関だけ」は出入国在留管理庁、原子力規制庁、「外局等を含む合計」は経済産業省です。"
    "按分した人数は、その分だけ不確かです。"
)
CABINET_OFFICE = (
    "内閣府（内閣官房と復興庁を含む）の切替の時期が、1か月食い違っています。"
    "デジタル庁 R7.8は「内閣府 (内閣官房と復興庁を含む) (R5.12~)」（計画が採用）、"
    "デジタル庁 R5.8は「2024年1月（予定）」です。"
)
PERSONNEL_AUTHORITY = (
    "人事院の切替の時期が、1か月食い違っています。"
    "デジタル庁 R7.8は「人事院 (R4.9~)」（計画が採用）、デジタル庁 R5.8は「2022年8月」です。"
)
AMBIGUOUS_READING = (
    "「令和8年度以降に導入完了予定」の「約272,000ユーザー」は、"
    "それまでを含む累計とも、この区分だけの人数とも読めます。"
    "累計なら全体で 272,000人、この区分だけの人数なら全体で 344,000人です。"
    "どちらが正しいかは、資料に書かれていません。"
)
OBSERVATIONS_CLOSE = (
    "計画の元にした公表人数とは別の出典にある利用者数 3件のうち 3件で、計画の曲線との差は 2%以内です。"
    "令和5年8月は 26,300人に対して +403人（+1.5%）、令和6年3月は 34,000人に対して +396人（+1.2%）、"
    "令和6年6月19日は 35,000人に対して −393人（−1.1%）です。最も離れているのは令和5年8月の +1.5%です。"
)


def sentences(basis=Basis.CUMULATIVE):
    stored = Projection.objects.current(basis, SEED_NOW.date())
    return [sentence for _, sentence in reconcile_published(stored).findings]


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("basis", Basis)
def test_seed_says_seven_things_on_either_basis(basis):
    assert sentences(basis) == [
        THIN_REMAINDER,
        MIXED_IN_USE,
        MIXED_FY2026,
        CABINET_OFFICE,
        PERSONNEL_AUTHORITY,
        AMBIGUOUS_READING,
        OBSERVATIONS_CLOSE,
    ]


NOTHING_STATED = (
    "「区分」の100人から分けるのは 100人です。"
    "分け合う1機関のうち、定員が分かる1機関（第九省）だけで 150人なので、"
    "按分した人数は定員より少なくなります。"
)
TOO_THIN_WHEN_ROUNDED = (
    "第八省の公表人数 10人を引くと、「区分」の約100人のうち残りは 90人です。"
    "分け合う1機関のうち、定員が分かる1機関（第九省）だけで 150人なので、"
    "按分した人数は定員より少なくなります。"
    "「約」の幅（±5人）を見込んでも残りは 95人までです。"
)
ROUNDED = {"approximate": True, "rounding_unit": 10}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rounding", "stated", "expected"),
    [({}, [], NOTHING_STATED), (ROUNDED, [10], TOO_THIN_WHEN_ROUNDED)],
    ids=["nothing stated, nothing rounded", "too thin even when rounded"],
)
def test_thin_remainder_says_what_was_taken_and_what_rounding_may_do(rounding, stated, expected):
    cohort = CohortFactory(published_users=100, **rounding)
    WaveFactory(rollout__cohort=cohort, rollout__weight=150, rollout__lead_ministry__name="第九省")
    for users in stated:
        WaveFactory(rollout__cohort=cohort, users=users, rollout__lead_ministry__name="第八省")
    recompute()
    assert sentences() == [expected]


@pytest.mark.django_db
def test_thin_remainder_names_what_inner_groups_take():
    outer = CohortFactory(label="外側", published_users=100)
    WaveFactory(rollout__cohort=outer, rollout__weight=50, rollout__lead_ministry__name="第九省")
    WaveFactory(rollout__cohort=CohortFactory(inside=outer, published_users=60))
    recompute()
    (sentence,) = sentences()
    assert sentence.split("。")[0] == "内数の区分の 60人を引くと、「外側」の100人のうち残りは 40人です"


@pytest.mark.django_db
def test_long_lists_are_cut():
    cohort = CohortFactory(published_users=100)
    for number in range(10, 24):
        lead = {"lead_ministry__name": f"第{number}省"}
        RolloutFactory(code=f"r-{number}", cohort=cohort, weight=1, weight_scope="body", **lead)
    RolloutFactory(cohort=cohort, weight=1, weight_scope="split", lead_ministry__name="第九省")
    recompute()
    (sentence,) = sentences()
    assert sentence.split("。")[1].endswith("、第20省、第21省ほか2件、「合計を等分」は第九省です")


def cite(rollout, source, **said):
    publisher = SourceFactory(code=source, publisher=source)
    return Citation.objects.create(rollout=rollout, source=publisher, **said)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cutover", "apart"), [("R9.3", "3か月"), ("R8.12.25", "同じ月の中で")], ids=["months", "days"]
)
def test_plan_that_left_its_source_is_named_as_the_plan(cutover, apart):
    wave = WaveFactory(cutover=cutover, rollout__lead_ministry__name="第九省")
    cite(wave.rollout, "s", subject="cutover", text="十二月", says_cutover="R8.12.1")
    recompute()
    says = f"s R7.8は「十二月」、計画は「{cutover}」です。"
    assert sentences() == [f"第九省の切替の時期が、{apart}食い違っています。{says}"]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "called"), [("第2陣", "第九省 第2陣"), ("", "第九省 w")])
def test_disagreement_about_a_wave_names_the_wave(name, called):
    wave = WaveFactory(code="w", name=name, rollout__lead_ministry__name="第九省")
    cite(wave.rollout, "s", subject="users", wave=wave, text="500人", says_users=500)
    cite(wave.rollout, "t", subject="users", wave=wave, text="約600人", says_users=600, adopted=True)
    recompute()
    says = "t R7.8は「約600人」（計画が採用）、s R7.8は「500人」です。"
    assert sentences() == [f"{called}の人数が、100人食い違っています。{says}"]


@pytest.mark.django_db
def test_ambiguous_total_without_words_is_named_by_its_users():
    CohortFactory(label="残り", published_users=100, reading="ambiguous", undecided_note="検討中")
    recompute()
    (sentence,) = sentences()
    assert sentence.split("、")[0] == "「残り」の「100人」は"


@pytest.mark.django_db
def test_observation_of_nobody_is_not_measured_in_percent():
    ObservationFactory(users=0, as_of="2020-01")
    WaveFactory()
    recompute()
    (sentence,) = sentences()
    assert sentence.split("。")[1] == "令和2年1月は 0人に対して ±0人（±0%）です"


@pytest.mark.parametrize(
    ("percent", "text"),
    [(0, "±0%"), (1.53, "+1.5%"), (-1.12, "−1.1%"), (0.04, "+0.1%未満"), (-0.1, "−0.1%"), (-44.1, "−44.1%")],
)
def test_percentages_are_signed(percent, text):
    assert signed_percent_text(percent) == text
