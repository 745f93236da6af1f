"""法人番号 (corporate number): 13 digits, the first of which checks the other twelve.

The check digit is 9 − (Σ Pn·Qn mod 9), with Pn the n-th of the twelve digits from the right and
Qn = 1, 2, 1, 2 … (Ordinance of the Ministry of Finance on corporate numbers). Example: デジタル庁 is
8000012010038; Σ = 8·1 + 3·2 + 0 + 0 + 1·1 + 0 + 2·1 + 1·2 … = 19, 19 mod 9 = 1, and 9 − 1 = 8.
"""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext


def check_digit(twelve_digits: str) -> int:
    """The check digit of the twelve digits that follow it."""
    weighted = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(twelve_digits)))
    return 9 - sum(weighted) % 9


def validate_corporate_number(value: str) -> None:
    """Raise ValidationError unless `value` is 13 half-width digits with the right first one."""
    if len(value) != 13 or not (value.isascii() and value.isdigit()):
        raise ValidationError(gettext("法人番号は13桁の数字で入力してください。"), code="digits")
    expected = check_digit(value[1:])
    if int(value[0]) != expected:
        raise ValidationError(
            gettext("法人番号の検査数字（先頭の桁）が合いません。この12桁なら先頭は%(expected)sです。"),
            code="check_digit",
            params={"expected": expected},
        )


def normalise(value: str) -> str:
    """Full-width digits, spaces and hyphens as people paste them, as plain digits."""
    return unicodedata.normalize("NFKC", value).replace(" ", "").replace("-", "").strip()
