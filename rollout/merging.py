"""Which waves may become one, and how many users that one then has.

A merged wave is cancelled, names the wave that it went into, and has no count of its own: its users are that
one's. So merging never changes how many users a rollout has, only when some of them move.
"""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout.domain.plan import MAX_USERS, Status
from rollout.models import Wave

REASON_NEEDED = _("統合する理由を書いてください。")
STATUS_IS_ELSEWHERE = _("統合済みなので、状態はここでは変えられません。移行単位の画面で変えてください。")
NOTHING_CHOSEN = _("統合する移行単位を、統合先のほかに1つ以上選んでください。")
OTHER_ROLLOUT = _("統合できるのは、同じ導入案件の移行単位どうしだけです。")
INTO_ITSELF = _("移行単位を、それ自身には統合できません。")
USERS_ARE_ELSEWHERE = _("統合した移行単位には人数を入力できません。統合先の人数に含めてください。")


def named(wave: Wave) -> str:
    """The wave with its code: the waves of a rollout often have no names of their own."""
    return gettext("{wave}（{code}）").format(wave=wave, code=wave.code)


def check_merge(into: Wave, waves: Sequence[Wave]) -> None:
    """Raise ValidationError when `waves` may not go into `into`."""
    if not waves:
        raise ValidationError(NOTHING_CHOSEN)
    if into in waves:
        raise ValidationError(INTO_ITSELF)
    if {wave.rollout_id for wave in waves} != {into.rollout_id}:
        raise ValidationError(OTHER_ROLLOUT)
    if into.status == Status.CANCELLED:
        state = gettext("別の移行単位に統合済み") if into.merged_into_id else gettext("中止")
        raise ValidationError(
            gettext("統合先の{named}は{state}です。ほかの移行単位を選んでください。").format(
                named=named(into), state=state
            )
        )
    if refusals := [text for wave in waves if (text := _refusal(wave))]:
        raise ValidationError(refusals)


def _refusal(wave: Wave) -> str:
    """Why a wave may not go into another; nothing where it may."""
    if wave.merged_into_id:
        return gettext("{named}は、もう統合済みです。").format(named=named(wave))
    if wave.status == Status.CANCELLED:
        return gettext(
            "{named}は中止なので、統合する人数がありません。先に中止を取り消してください。"
        ).format(named=named(wave))
    if wave.status == Status.IN_USE:
        return gettext("{named}はもう利用中です。利用中の移行単位は、統合先にだけ選べます。").format(
            named=named(wave)
        )
    return ""


def users_together(into: Wave, waves: Sequence[Wave]) -> int | None:
    """The stated users of all, or None where none are stated.

    Raises ValidationError where only some are: nobody would know the whole.
    """
    every = [into, *waves]
    stated = [wave.users for wave in every if wave.users is not None]
    if not stated:
        return None
    if len(stated) < len(every):
        blank = gettext("、").join(named(wave) for wave in every if wave.users is None)
        raise ValidationError(
            gettext(
                "{blank}の人数が空欄なので、合わせた人数が分かりません。"
                "先にその人数を入力するか、"
                "ほかの移行単位の人数を空欄にしてから統合してください。"
            ).format(blank=blank)
        )
    if sum(stated) > MAX_USERS:
        raise ValidationError(
            gettext("合わせた人数が{max_users:,}人を超えます。人数を確かめてください。").format(
                max_users=MAX_USERS
            )
        )
    return sum(stated)


def parts_first(waves: Iterable[Wave]) -> list[Wave]:
    """The waves in an order in which they can be deleted: each before what it went into."""
    left, found = {wave.pk: wave for wave in waves}, []
    while left:
        into = {wave.merged_into_id for wave in left.values()}
        free = [pk for pk in left if pk not in into] or list(left)
        found += [left.pop(pk) for pk in free]
    return found
