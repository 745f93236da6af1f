"""Pages by cursor: together they are the list, there and back, and rows that come and go shift none."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.models import Source
from tests.factories import RolloutFactory, SourceFactory, WaveFactory

pytestmark = pytest.mark.usefixtures("seeded")

ORDERINGS = [
    "",
    *(f"{sign}{name}" for name in ("code", "cohort", "ministry", "cutover", "status") for sign in ("", "-")),
]


def below(link):
    return link.split("/api/v1/")[1]


def forwards(get, path):
    """The pages of a list, by its links."""
    pages = [get(path)]
    while pages[-1]["next"]:
        pages.append(get(below(pages[-1]["next"])))
    return pages


def backwards(get, last):
    """The pages from the last one back to the first, by their links, in the order of the list."""
    pages = [last]
    while pages[0]["previous"]:
        pages.insert(0, get(below(pages[0]["previous"])))
    return pages


def codes_of(pages):
    return [row["code"] for page in pages for row in page["results"]]


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("ordering", ORDERINGS)
def test_pages_are_the_list_in_both_directions(get, codes, ordering, size):
    WaveFactory.create_batch(9, cutover="R9.1", rollout=RolloutFactory())
    WaveFactory.create_batch(3, cutover="検討中", rollout=RolloutFactory())
    query = f"ordering={ordering}&" if ordering else ""
    whole = codes(f"waves/?{query}page_size=1000")
    pages = forwards(get, f"waves/?{query}page_size={size}")
    assert codes_of(pages) == whole
    assert [len(page["results"]) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert codes_of(backwards(get, pages[-1])) == whole


@pytest.mark.parametrize(
    "path", ["ministries/", "sources/", "rollouts/", "rollouts/?ordering=-cutover", "cohorts/"]
)
def test_lists_of_every_kind_go_by_cursor(get, codes, path):
    mark = "&" if "?" in path else "?"
    pages = forwards(get, f"{path}{mark}page_size=3")
    assert codes_of(pages) == codes(f"{path}{mark}page_size=1000")
    assert codes_of(backwards(get, pages[-1])) == codes_of(pages)


def test_past_is_paged_like_the_present(get):
    path = "waves/?ordering=-cutover&page_size=5"
    present = codes_of(forwards(get, path))
    past = forwards(get, f"{path}&as_of=2026-11-23T16:00:00%2B09:00")
    assert codes_of(past) == present == codes_of(backwards(get, past[-1]))


def test_rows_that_come_and_go_shift_nothing(get):
    for code in ("b", "d", "f", "h"):
        SourceFactory(code=f"zz-{code}")
    first = get("sources/?page_size=7")
    assert first["results"][-1]["code"] == "zz-d"
    SourceFactory(code="zz-a")
    Source.objects.get(code="zz-d").delete()
    second = get(below(first["next"]))
    assert [row["code"] for row in second["results"]] == ["zz-f", "zz-h"]
    assert [row["code"] for row in get(below(second["previous"]))["results"]][-2:] == ["zz-a", "zz-b"]


def test_page_whose_rows_are_gone_is_empty_and_the_end(get):
    SourceFactory(code="zz")
    first = get("sources/?page_size=5")
    Source.objects.get(code="zz").delete()
    last = get(below(first["next"]))
    assert last == {"results": [], "next": None, "previous": None}


CURSORS = st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex()))


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(text=CURSORS)
def test_text_that_is_no_cursor_is_refused(client, text):
    answer = client.get("/api/v1/waves/", {"cursor": text})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])


@pytest.mark.parametrize(
    "path",
    ["waves/?ordering=-cutover&page_size=2", "waves/?ordering=code&page_size=2", "sources/?page_size=2"],
)
def test_cursor_of_another_list_is_refused(get, path):
    cursor = get("waves/?page_size=3")["next"].split("cursor=")[1].split("&")[0]
    assert list(get(f"{path}&cursor={cursor}", 400)["errors"]) == ["cursor"]


@pytest.mark.parametrize("size", [2, 50])
def test_page_costs_the_same_wherever_it_is(get, django_assert_max_num_queries, size):
    WaveFactory.create_batch(60, cutover="R9.1", rollout=RolloutFactory())
    pages = forwards(get, f"waves/?page_size={size}")
    for page in (pages[0], pages[len(pages) // 2], pages[-1]):
        link = page["previous"] or page["next"]
        with django_assert_max_num_queries(14):
            get(below(link))
