"""Counts and states as people write them, wherever they do: in a what-if, in a table that is sent in."""

import re
from unicodedata import normalize

from django.utils.translation import gettext

from rollout.domain.plan import MAX_USERS
from rollout.models.labels import STATUS_LABELS, in_japanese

UNKNOWN_WORDS = ("", "不明")
_WHOLE_NUMBER = re.compile("[0-9]{1,12}|[0-9]{1,3}(,[0-9]{3}){1,3}")


def read_users(text: str) -> int | None:
    """`68,600`, `６８６００人`; None is an unknown count. Raises ValueError, in Japanese."""
    plain = normalize("NFKC", text).strip().removesuffix("人").strip()
    if plain in UNKNOWN_WORDS:
        return None
    users = int(plain.replace(",", "")) if _WHOLE_NUMBER.fullmatch(plain) else MAX_USERS + 1
    if users > MAX_USERS:
        raise ValueError(
            gettext(
                "「{plain}」は人数として読めません。"
                "「68,600」のように、0〜{max_users:,} の数字で入力してください。"
                "分からなければ空欄にします。"
            ).format(plain=plain[:20], max_users=MAX_USERS)
        )
    return users


def read_status(text: str) -> str:
    """The status of a label, or of itself. Raises ValueError, in Japanese."""
    plain = normalize("NFKC", text).strip()
    labels = STATUS_LABELS.items()
    found = next((code for code, label in labels if plain in (code, str(label), in_japanese(label))), None)
    if found is None:
        choices = gettext("、").join(map(str, STATUS_LABELS.values()))
        raise ValueError(
            gettext("「{plain}」という状態はありません。{choices} のどれかにしてください。").format(
                plain=plain[:20], choices=choices
            )
        )
    return found
