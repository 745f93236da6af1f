"""Counts and states as people write them, wherever they do: in a what-if, in a table that is sent in."""

import re
from unicodedata import normalize

from rollout.domain.plan import MAX_USERS
from rollout.models.labels import STATUS_LABELS

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
            f"「{plain[:20]}」は人数として読めません。"
            f"「68,600」のように、0〜{MAX_USERS:,} の数字で入力してください。分からなければ空欄にします。"
        )
    return users


def read_status(text: str) -> str:
    """The status of a label, or of itself. Raises ValueError, in Japanese."""
    plain = normalize("NFKC", text).strip()
    found = next((code for code, label in STATUS_LABELS.items() if plain in (code, label)), None)
    if found is None:
        choices = "、".join(STATUS_LABELS.values())
        raise ValueError(f"「{plain[:20]}」という状態はありません。{choices} のどれかにしてください。")
    return found
