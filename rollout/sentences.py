"""What was found in the published figures, as Japanese sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollout.domain.findings import (
    AmbiguousReading,
    Finding,
    MixedWeightScopes,
    ObservationsClose,
    SourcesDisagree,
    ThinRemainder,
)
from rollout.domain.reconciliation import CLOSE_PERCENT, Cited, Figure
from rollout.models import Citation, Cohort, Observation, Rollout
from rollout.models.labels import signed_percent_text, signed_text

NAMED = 12
"""Rollouts that a sentence names before it says how many more there are."""


@dataclass(frozen=True)
class Named:
    """The rows that findings speak of: cohorts and rollouts (labels) by code, the others by their key."""

    cohorts: Mapping[str, Cohort]
    rollouts: Mapping[str, str]
    citations: Mapping[str, Citation]
    observations: Mapping[str, Observation]


def rollouts_named_in(finding: Finding) -> list[str]:
    """Codes of the rollouts whose labels the sentence needs."""
    if isinstance(finding, ThinRemainder):
        return [*(code for code, _ in finding.stated[:NAMED]), *finding.weighted[:NAMED]]
    if isinstance(finding, MixedWeightScopes):
        return [code for _, codes in finding.scopes for code in codes[:NAMED]]
    return [finding.rollout] if isinstance(finding, SourcesDisagree) else []


def sentence(finding: Finding, named: Named) -> str:
    """What was found, what it rests on, and what that means for the figures."""
    if isinstance(finding, ThinRemainder):
        return _thin_remainder(finding, named)
    if isinstance(finding, MixedWeightScopes):
        return _mixed_weight_scopes(finding, named)
    if isinstance(finding, SourcesDisagree):
        return _sources_disagree(finding, named)
    if isinstance(finding, AmbiguousReading):
        return _ambiguous_reading(finding, named)
    return _observations_close(finding, named)


def _thin_remainder(found: ThinRemainder, named: Named) -> str:
    cohort = named.cohorts[found.cohort]
    total = f"「{cohort.label}」の{'約' if cohort.approximate else ''}{found.adds:,}人"
    taken = []
    if found.stated:
        users = sum(users for _, users in found.stated)
        taken.append(f"{_names([code for code, _ in found.stated], named)}の公表人数 {users:,}人")
    if found.inner_users:
        taken.append(f"内数の区分の {found.inner_users:,}人")
    left = f"{'と'.join(taken)}を引くと、{total}のうち残りは" if taken else f"{total}から分けるのは"
    sharers = len(found.weighted) + len(found.unweighted)
    return (
        f"{left} {found.remainder:,}人です。分け合う{sharers}機関のうち、定員が分かる"
        f"{len(found.weighted)}機関（{_names(found.weighted, named)}）だけで {found.known_weight:,}人なので、"
        f"按分した人数は定員より少なくなります。{_with_rounding(found)}"
    )


def _with_rounding(found: ThinRemainder) -> str:
    most = found.remainder + found.tolerance
    if not found.tolerance:
        return ""
    if most < found.known_weight:
        return f"「約」の幅（±{found.tolerance:,}人）を見込んでも残りは {most:,}人までです。"
    return (
        f"ただし「約」の幅（±{found.tolerance:,}人）を見込めば残りは最大 {most:,}人で、"
        "定員が分かる機関の分には足ります。"
    )


def _mixed_weight_scopes(found: MixedWeightScopes, named: Named) -> str:
    labels = dict(Rollout.WeightScope.choices)
    scopes = "、".join(f"「{labels[scope]}」は{_names(codes, named)}" for scope, codes in found.scopes)
    return (
        f"「{named.cohorts[found.cohort].label}」の残りを分ける重み（定員）は、範囲がそろっていません。"
        f"{scopes}です。按分した人数は、その分だけ不確かです。"
    )


def _sources_disagree(found: SourcesDisagree, named: Named) -> str:
    what, apart = ("人数", f"{found.apart:,}人") if found.is_about_users else ("切替の時期", _months(found))
    said = "、".join(_saying(entry, named) for entry in found.said)
    return f"{_disputed(found, named)}の{what}が、{apart}食い違っています。{said}です。"


def _months(found: SourcesDisagree) -> str:
    return f"{found.apart:,}か月" if found.apart else "同じ月の中で"


def _disputed(found: SourcesDisagree, named: Named) -> str:
    wave = next((named.citations[entry.key].wave for entry in found.said if entry.source), None)
    label = _names([found.rollout], named)
    return f"{label} {wave.name or wave.code}" if wave else label


def _saying(entry: Cited, named: Named) -> str:
    if entry.source is None:
        return f"計画は「{entry.cutover.format_short() if entry.cutover else ''}」"
    row = named.citations[entry.key]
    adopted = "（計画が採用）" if row.adopted else ""
    return f"{row.source.publisher} {row.source.published_on.format_short()}は「{row.text}」{adopted}"


def _ambiguous_reading(found: AmbiguousReading, named: Named) -> str:
    cohort = named.cohorts[found.cohort]
    return (
        f"「{cohort.label}」の「{cohort.text_in_source or f'{found.running_total:,}人'}」は、"
        "それまでを含む累計とも、この区分だけの人数とも読めます。"
        f"累計なら全体で {found.running_total:,}人、"
        f"この区分だけの人数なら全体で {found.group_total:,}人です。"
        "どちらが正しいかは、資料に書かれていません。"
    )


def _observations_close(found: ObservationsClose, named: Named) -> str:
    apart = "、".join(_apart(figure, named) for figure in found.close)
    largest = found.largest
    return (
        f"計画の元にした公表人数とは別の出典にある利用者数 {len(found.figures):,}件のうち "
        f"{len(found.close):,}件で、計画の曲線との差は {CLOSE_PERCENT}%以内です。{apart}です。"
        f"最も離れているのは{_day(largest, named)}の "
        f"{signed_percent_text(largest.difference_percent or 0)}です。"
    )


def _apart(figure: Figure, named: Named) -> str:
    apart = f"{signed_text(figure.difference)}人（{signed_percent_text(figure.difference_percent or 0)}）"
    return f"{_day(figure, named)}は {figure.published:,}人に対して {apart}"


def _day(figure: Figure, named: Named) -> str:
    return str(named.observations[figure.key].as_of.format_japanese())


def _names(codes: Sequence[str], named: Named) -> str:
    names = "、".join(named.rollouts.get(code, code) for code in codes[:NAMED])
    left_off = len(codes) - NAMED
    return f"{names}ほか{left_off:,}件" if left_off > 0 else names
