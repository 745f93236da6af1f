"""法人番号: the first digit checks the other twelve."""

import pytest
from django.core.exceptions import ValidationError

from ministries.corporate_number import check_digit, normalise, validate_corporate_number

PUBLISHED = {
    "デジタル庁": "8000012010038",
    "人事院": "2000012010002",
    "内閣官房": "3000012010001",
    "国税庁": "7000012050002",
}


@pytest.mark.parametrize("number", PUBLISHED.values(), ids=PUBLISHED)
def test_check_digit_agrees_with_published_numbers(number):
    assert check_digit(number[1:]) == int(number[0])
    assert validate_corporate_number(number) is None


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        pytest.param("000000000000", 9, id="sum 0"),
        pytest.param("000000000001", 8, id="the last counts once"),
        pytest.param("000000000010", 7, id="the last but one counts twice"),
        pytest.param("000000000009", 9, id="sum 9, again 0"),
        pytest.param("000000000008", 1, id="never below 1"),
    ],
)
def test_check_digit_weighs_places_one_and_two(digits, expected):
    assert check_digit(digits) == expected


REFUSED = {
    "wrong first digit": ("1000012010038", "check_digit"),
    "two digits swapped": ("8000012010083", "check_digit"),
    "too short": ("800001201003", "digits"),
    "too long": ("80000120100388", "digits"),
    "a letter": ("800001201003X", "digits"),
    "full width": ("８０００００１２０１００３８"[:13], "digits"),
    "superscript": ("800001201003²", "digits"),
    "empty": ("", "digits"),
}


@pytest.mark.parametrize(("number", "code"), REFUSED.values(), ids=REFUSED)
def test_validate_corporate_number_refuses(number, code):
    with pytest.raises(ValidationError) as caught:
        validate_corporate_number(number)
    assert caught.value.code == code


def test_validate_corporate_number_says_which_digit_would_be_right():
    with pytest.raises(ValidationError) as caught:
        validate_corporate_number("1000012010038")
    assert caught.value.messages == ["法人番号の検査数字（先頭の桁）が合いません。この12桁なら先頭は8です。"]


@pytest.mark.parametrize(
    "text", ["８０００012010038", "8-0000-1201-0038", " 8000012010038 ", "8000　0120 10038"]
)
def test_normalise_reads_what_people_paste(text):
    assert normalise(text) == "8000012010038"
