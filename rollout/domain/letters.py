"""What the texts of reminders may say, and the sentences that depend on a cutover and a day.

A rule's text names what it wants as `{切替予定}`; every other brace is refused, with its position. Values are
put in as they are and never read as templates.

Example: 「{案件} 切替のお知らせ（{切替予定}）」 becomes 「財務局 切替のお知らせ（R9.1~）」.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from rollout.domain.dates import UNDECIDED, FuzzyDate, Precision
from rollout.domain.plan import Status
from rollout.domain.reminders import MERGED, Kind
from rollout.domain.words import Words

_ABOUT_A_WAVE = ("宛名", "案件", "府省庁", "範囲", "状態", "切替予定", "切替予定の読み")
_LINKS = ("確認ページ", "カレンダー")
_AWAITED = (*_ABOUT_A_WAVE, "残り日数", "人数", "お願い", *_LINKS)
VARIABLES = {
    Kind.OFFSET: _AWAITED,
    Kind.OVERDUE: _AWAITED,
    Kind.UNCONFIRMED: _AWAITED,
    Kind.ESCALATION: _AWAITED,
    Kind.CHANGE: (*_ABOUT_A_WAVE, "変更の内容", "変更前", "変更後", "人数", *_LINKS),
    Kind.DIGEST: ("宛名", "日付", "まとめ"),
    Kind.ALERT: ("宛名", "日付", "警告"),
}
"""What a mail of each kind knows. A notice of change asks for nothing: its wave may have settled."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class TemplateError(ValueError):
    """A text that names something a mail does not know. `words` say it, with the position.

    The position counts from 1, by lines too where the text has several: 「8文字目」, 「3行目の8文字目」.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(str(words))


@lru_cache(maxsize=256)
def check_template(template: str, kind: Kind) -> None:
    """Raise TemplateError unless every `{…}` in `template` is one of the VARIABLES of `kind`."""
    known = VARIABLES[kind]
    for match in _PLACEHOLDER.finditer(template):
        if match[1] not in known:
            listed = "、".join(f"{{{name}}}" for name in known)
            place = _place(template, match.start())
            raise TemplateError(
                Words(
                    "{place}の「{name}」は使えません。使えるのは {listed} です。",
                    place=place,
                    name=match[0],
                    listed=listed,
                )
            )
    blanked = _PLACEHOLDER.sub(lambda match: " " * len(match[0]), template)
    brace = re.search(r"[{}]", blanked)
    if brace:
        place = _place(template, brace.start())
        raise TemplateError(
            Words("{place}の「{brace}」に対になるかっこがありません。", place=place, brace=brace[0])
        )


def _place(text: str, position: int) -> Words:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    if "\n" in text:
        return Words("{line}行目の{column}文字目", line=line, column=column)
    return Words("{column}文字目", column=column)


def render(template: str, kind: Kind, values: Mapping[str, str]) -> str:
    """The text with every `{name}` replaced; `values` has every one of the VARIABLES that it names.

    Raises TemplateError where the template names something that a mail of `kind` does not know.
    """
    check_template(template, kind)
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def days_left_text(cutover: FuzzyDate, today: date) -> str:
    """How far away the cutover is, or how long ago: 「切替予定日まであと8日です」, 「切替予定日は本日です」.

    Counts to the first day of a period, and from its last once that has passed.
    """
    if cutover.earliest is None:
        return "切替予定は未定です"
    is_day = _is_a_day(cutover)
    if cutover.latest is not None and cutover.latest < today and not is_day:
        return f"切替予定期間の最終日から{(today - cutover.latest).days}日たっています"
    subject = "切替予定日" if is_day else "切替予定期間の初日"
    days = (cutover.earliest - today).days
    if days == 0:
        return f"{subject}は本日です"
    return f"{subject}まであと{days}日です" if days > 0 else f"{subject}から{-days}日たっています"


def _is_a_day(cutover: FuzzyDate) -> bool:
    """False for 「R9.1.15以降」, too, which may be any day from then on."""
    return cutover.precision is Precision.DAY and cutover.latest is not None


def request_text(kind: Kind, cutover: FuzzyDate, today: date) -> str:
    """What the mail about an awaited wave asks for, by the day that it goes out on."""
    if cutover.latest is not None and cutover.latest < today:
        return (
            "切替予定を過ぎましたが、利用の開始がまだ確認されていません。"
            "利用を始めている場合は、下の確認ページから実際の開始日をお知らせください。"
            "まだの場合は、このメールに返信して新しい予定をPMOへお知らせください。"
        )
    if kind is Kind.UNCONFIRMED:
        return (
            "この切替予定は、しばらくどなたにも確認されていません。このままでよければ、"
            "下の確認ページで「日程確認」を押してください。変わる場合は、このメールに返信してPMOへお知らせください。"
        )
    if _is_a_day(cutover):
        return (
            "予定どおり切替ができるか、利用者への周知、端末の配布、業務の停止時間をご確認ください。"
            "変更がある場合は、このメールに返信してPMOへお知らせください。"
        )
    return (
        "切替の日がまだ決まっていません。"
        "日が決まっている場合も、予定が変わる場合も、このメールに返信してPMOへお知らせください。"
    )


def standing_text(cutover: FuzzyDate, status: str) -> str:
    """What is told of a wave, in a few words: 「切替予定 R9.1」, 「R9.1.15 利用開始を確認」, 「中止」.

    `status` is a wave's, or MERGED; then the cutover is that of the wave it went into.
    """
    if status == Status.CANCELLED:
        return "中止"
    if status == Status.IN_USE:
        return f"{cutover.text} 利用開始を確認"
    if status == MERGED:
        return f"別の移行単位に統合（切替予定 {cutover.text or UNDECIDED}）"
    return f"切替予定 {cutover.text or UNDECIDED}"
