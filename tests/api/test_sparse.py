"""Rows with the fields that a consumer has asked for, and no others."""

import pytest

pytestmark = pytest.mark.usefixtures("seeded")

LISTS = ["ministries", "cohorts", "sources", "targets", "rollouts", "waves"]


@pytest.mark.parametrize("path", LISTS)
def test_list_and_row_have_the_fields_that_are_asked_for(get, path):
    whole = get(f"{path}/")["results"]
    code = whole[0]["code"]
    assert get(f"{path}/?fields=code")["results"] == [{"code": row["code"]} for row in whole]
    assert get(f"{path}/{code}/?fields=code") == {"code": code}
    every = ",".join(whole[0])
    assert get(f"{path}/?fields={every}")["results"] == whole


def test_fields_go_along_with_filters_pages_and_the_past(get):
    answer = get("waves/?fields=code,%20cutover&status=planned&page_size=2&as_of=2026-11-23T16:00:00%2B09:00")
    assert [list(row) for row in answer["results"]] == [["code", "cutover"]] * 2
    assert "fields=" in answer["next"]
    assert list(get("observations/?fields=users")["results"][0]) == ["users"]


@pytest.mark.parametrize("fields", ["", "code,", "code,colour", "code;cutover", "__class__"])
def test_field_that_is_not_there_is_answered_with_those_that_are(get, fields):
    for path in ("waves/", "waves/nta-1/"):
        [message] = get(f"{path}?fields={fields}", 400)["errors"]["fields"]
        assert message.startswith("「")
        assert "code、" in message


def test_computed_answer_takes_no_fields(get):
    assert list(get("projection/?fields=points", 400)["errors"]) == ["fields"]
