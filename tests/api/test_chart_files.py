"""The chart as a file: the same drawing as on the page, in the form that its address names."""

import json
import re

import pytest

from rollout import charts, recompute
from rollout.drawing import read_observed
from rollout.models import Projection
from tests.api.edits import move
from tests.rollout.what_ifs import suppose

pytestmark = pytest.mark.usefixtures("seeded")


def fetch(client, path, status=200, **headers):
    answer = client.get(f"/api/v1/charts/s-curve.{path}", headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def test_svg_stands_by_itself_and_says_what_it_shows(client):
    answer = fetch(client, "svg")
    text = answer.content.decode()
    assert answer["Content-Type"] == "image/svg+xml"
    assert text.startswith('<svg role="img" aria-label="月ごとの累計利用者数の図。')
    assert "272,000" in text
    assert "style=" not in text


def test_png_is_a_picture_of_the_size_asked_for(client):
    for size in (charts.WIDE, charts.NARROW):
        body = fetch(client, f"png?size={size.name}").content
        width, height = (int.from_bytes(body[at : at + 4]) for at in (16, 20))
        assert (body[:8], width, height) == (b"\x89PNG\r\n\x1a\n", size.width * 2, size.height * 2)


def test_vega_lite_is_the_chart_of_the_page(client):
    curve = Projection.objects.get(basis="cumulative").curve
    spec = json.loads(fetch(client, "vl.json?size=mail").content)
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert spec == json.loads(json.dumps(charts.s_curve_spec(curve, read_observed(), charts.MAIL)))


def test_language_is_that_of_the_reader(client):
    text = fetch(client, "svg", accept_language="en").content.decode()
    assert re.match('<svg role="img" aria-label="Chart of cumulative users by month', text)


def test_picture_follows_the_plan_the_past_and_the_scenario(client, staff_client):
    suppose(("jftc", "cutover", "R9.6"), code="late")
    paths = ["svg", "svg?basis=group", "svg?scenario=late", "svg?as_of=2026-11-23T16:00:00%2B09:00"]
    before = [fetch(staff_client, path).content for path in paths]
    move("nta-1", "R9.1")
    recompute.recompute()
    after = [fetch(staff_client, path).content for path in paths]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, False, True]
    assert before[0] == before[3]


def test_picture_that_is_there_is_not_drawn_again(client, monkeypatch):
    recompute.recompute()
    first = fetch(client, "png")
    fetch(client, "png", 304, if_none_match=first["ETag"])
    monkeypatch.setattr("rollout.charts.s_curve_png", None)
    assert fetch(client, "png").content == first.content


@pytest.mark.parametrize("path", ["svg?granularity=month", "svg?risk=true", "png?size=huge", "vl.json?x=1"])
def test_what_cannot_be_meant_is_told(client, path):
    assert fetch(client, path, 400)["Content-Type"] == "application/problem+json"


def test_scenario_is_for_who_may_see_it(client):
    suppose(("nta", "cutover", "R9.6"), code="late")
    fetch(client, "svg?scenario=late", 401)


# The timeline


def timeline(client, path, status=200, **headers):
    answer = client.get(f"/api/v1/charts/timeline.{path}", headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def test_timeline_says_what_it_shows(client):
    answer = timeline(client, "svg?cohort=fy2026")
    text = answer.content.decode()
    assert answer["Content-Type"] == "image/svg+xml"
    assert text.startswith(
        '<svg role="img" aria-label="移行単位 5件の切替の時期の図。予定日経過・未確認 3件、予定 2件。'
    )


def test_timeline_is_narrowed_to_a_ministry(client):
    text = timeline(client, "svg?ministry=reconstruction-agency").content.decode()
    assert ("内閣府（内閣官房と復興庁を含む）" in text, "国税庁" in text) == (True, False)


def test_timeline_is_a_picture_and_a_spec(client):
    png, spec = timeline(client, "png?size=narrow").content, json.loads(timeline(client, "vl.json").content)
    assert (png[:8], int.from_bytes(png[16:20])) == (b"\x89PNG\r\n\x1a\n", 800)
    assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


def test_timeline_of_the_past_stays(client):
    moment = "svg?as_of=2026-11-23T16:00:00%2B09:00"
    before = timeline(client, moment).content
    move("nta-1", "R9.6")
    assert timeline(client, moment).content == before != timeline(client, "svg").content


def test_timeline_that_is_there_is_not_sent_again(client):
    first = timeline(client, "svg")
    timeline(client, "svg", 304, if_none_match=first["ETag"])


@pytest.mark.parametrize("path", ["svg?cohort=x", "svg?ministry=x", "png?size=mail", "svg?basis=group"])
def test_timeline_that_cannot_be_meant_is_told(client, path):
    assert timeline(client, path, 400)["Content-Type"] == "application/problem+json"


def test_timeline_is_for_who_sees_the_whole_plan(client, settings):
    settings.PUBLIC_READ = False
    timeline(client, "svg", 401)
