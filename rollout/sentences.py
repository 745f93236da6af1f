"""What was found in the published figures, as Japanese sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

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
    total = gettext("「{label}」の{value}{adds:,}人").format(
        label=cohort.label, value=gettext("約") if cohort.approximate else "", adds=found.adds
    )
    taken = []
    if found.stated:
        users = sum(users for _, users in found.stated)
        taken.append(
            gettext("{names}の公表人数 {users:,}人").format(
                names=_names([code for code, _ in found.stated], named), users=users
            )
        )
    if found.inner_users:
        taken.append(gettext("内数の区分の {inner_users:,}人").format(inner_users=found.inner_users))
    left = (
        gettext("{names}を引くと、{total}のうち残りは").format(names=gettext("と").join(taken), total=total)
        if taken
        else gettext("{total}から分けるのは").format(total=total)
    )
    sharers = len(found.weighted) + len(found.unweighted)
    return gettext(
        "{left} {remainder:,}人です。"
        "分け合う{sharers}機関のうち、定員が分かる{count}機関（{names}）だけで "
        "{known_weight:,}人なので、按分した人数は定員より少なくなります。"
        "{with_rounding}"
    ).format(
        left=left,
        remainder=found.remainder,
        sharers=sharers,
        count=len(found.weighted),
        names=_names(found.weighted, named),
        known_weight=found.known_weight,
        with_rounding=_with_rounding(found),
    )


def _with_rounding(found: ThinRemainder) -> str:
    most = found.remainder + found.tolerance
    if not found.tolerance:
        return ""
    if most < found.known_weight:
        return gettext("「約」の幅（±{tolerance:,}人）を見込んでも残りは {most:,}人までです。").format(
            tolerance=found.tolerance, most=most
        )
    return gettext(
        "ただし「約」の幅（±{tolerance:,}人）を見込めば残りは最大 {most:,}人で、"
        "定員が分かる機関の分には足ります。"
    ).format(tolerance=found.tolerance, most=most)


def _mixed_weight_scopes(found: MixedWeightScopes, named: Named) -> str:
    labels = dict(Rollout.WeightScope.choices)
    scopes = gettext("、").join(
        gettext("「{labels}」は{names}").format(labels=labels[scope], names=_names(codes, named))
        for scope, codes in found.scopes
    )
    return gettext(
        "「{label}」の残りを分ける重み（定員）は、範囲がそろっていません。"
        "{scopes}です。按分した人数は、その分だけ不確かです。"
    ).format(label=named.cohorts[found.cohort].label, scopes=scopes)


def _sources_disagree(found: SourcesDisagree, named: Named) -> str:
    what, apart = (
        (gettext("人数"), gettext("{apart:,}人").format(apart=found.apart))
        if found.is_about_users
        else (gettext("切替の時期"), _months(found))
    )
    said = gettext("、").join(_saying(entry, named) for entry in found.said)
    return gettext("{disputed}の{what}が、{apart}食い違っています。{said}です。").format(
        disputed=_disputed(found, named), what=what, apart=apart, said=said
    )


def _months(found: SourcesDisagree) -> str:
    return gettext("{apart:,}か月").format(apart=found.apart) if found.apart else gettext("同じ月の中で")


def _disputed(found: SourcesDisagree, named: Named) -> str:
    wave = next((named.citations[entry.key].wave for entry in found.said if entry.source), None)
    label = _names([found.rollout], named)
    return f"{label} {wave.name or wave.code}" if wave else label


def _saying(entry: Cited, named: Named) -> str:
    if entry.source is None:
        return gettext("計画は「{value}」").format(
            value=entry.cutover.format_short() if entry.cutover else ""
        )
    row = named.citations[entry.key]
    adopted = gettext("（計画が採用）") if row.adopted else ""
    return gettext("{publisher} {format_short}は「{text}」{adopted}").format(
        publisher=row.source.publisher,
        format_short=row.source.published_on.format_short(),
        text=row.text,
        adopted=adopted,
    )


def _ambiguous_reading(found: AmbiguousReading, named: Named) -> str:
    cohort = named.cohorts[found.cohort]
    return gettext(
        "「{label}」の「{value}」は、それまでを含む累計とも、"
        "この区分だけの人数とも読めます。"
        "累計なら全体で {running_total:,}人、この区分だけの人数なら全体で "
        "{group_total:,}人です。どちらが正しいかは、資料に書かれていません。"
    ).format(
        label=cohort.label,
        value=cohort.text_in_source
        or gettext("{running_total:,}人").format(running_total=found.running_total),
        running_total=found.running_total,
        group_total=found.group_total,
    )


def _observations_close(found: ObservationsClose, named: Named) -> str:
    apart = gettext("、").join(_apart(figure, named) for figure in found.close)
    largest = found.largest
    return gettext(
        "計画の元にした公表人数とは別の出典にある利用者数 {count:,}件のうち "
        "{count2:,}件で、計画の曲線との差は {close_percent}%以内です。{apart}です。"
        "最も離れているのは{day}の {signed_percent_text}です。"
    ).format(
        count=len(found.figures),
        count2=len(found.close),
        close_percent=CLOSE_PERCENT,
        apart=apart,
        day=_day(largest, named),
        signed_percent_text=signed_percent_text(largest.difference_percent or 0),
    )


def _apart(figure: Figure, named: Named) -> str:
    apart = gettext("{signed_text}人（{signed_percent_text}）").format(
        signed_text=signed_text(figure.difference),
        signed_percent_text=signed_percent_text(figure.difference_percent or 0),
    )
    return gettext("{day}は {published:,}人に対して {apart}").format(
        day=_day(figure, named), published=figure.published, apart=apart
    )


def _day(figure: Figure, named: Named) -> str:
    return str(named.observations[figure.key].as_of.format_japanese())


def _names(codes: Sequence[str], named: Named) -> str:
    names = gettext("、").join(named.rollouts.get(code, code) for code in codes[:NAMED])
    left_off = len(codes) - NAMED
    return (
        gettext("{names}ほか{left_off:,}件").format(names=names, left_off=left_off) if left_off > 0 else names
    )
