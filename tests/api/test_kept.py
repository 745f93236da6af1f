"""The encoded bytes of the projection are kept, and never told once they are wrong."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rollout import recompute
from rollout.api import computed
from tests.api.edits import move
from tests.conftest import SEED_NOW
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("seeded")

PATHS = ["projection/", "projection/?granularity=quarter", "projection/?basis=group", "projection/?risk=true"]


@pytest.mark.parametrize("path", PATHS)
def test_second_answer_costs_one_query_and_is_the_same(client, path):
    first = client.get(f"/api/v1/{path}")
    with CaptureQueriesContext(connection) as caught:
        second = client.get(f"/api/v1/{path}")
    assert (len(caught), second.content, second["ETag"]) == (1, first.content, first["ETag"])
    assert (second["Content-Type"], second["Cache-Control"]) == (
        first["Content-Type"],
        first["Cache-Control"],
    )


def test_every_question_is_kept_by_itself(get):
    assert len({str(get(path)) for path in [*PATHS, *PATHS]}) == len(PATHS)


def test_change_and_what_follows_from_it_are_told_at_once(get):
    before = get("projection/")
    move("nta-1", "R9.6")
    stale = get("projection/")
    recompute.recompute()
    after = get("projection/")
    assert (before["stale"], stale["stale"], after["stale"]) == (False, True, False)
    assert before["points"] == stale["points"] != after["points"]


def test_another_day_is_another_answer(get):
    before = get("projection/")
    with time_machine.travel(SEED_NOW + timedelta(days=1)):
        assert (before["stale"], get("projection/")["stale"]) == (False, True)


def test_language_makes_another_answer(get):
    verdicts = [
        get("projection/", accept_language=each)["checkpoints"][0]["verdict_label"] for each in ("ja", "en")
    ]
    assert verdicts[0] != verdicts[1]


def test_who_is_limited_is_never_told_what_others_are(client, get, settings):
    move("jftc-1", "検討中")
    recompute.recompute()
    whole = get("projection/")
    settings.PUBLIC_READ = False
    liaison = UserFactory()
    liaison.groups.add(Group.objects.get(name="府省庁連絡担当"))
    client.force_login(liaison)
    part = get("projection/")
    assert any(entry["uncounted_rollouts"] for entry in whole["undated"])
    assert not any(entry["uncounted_rollouts"] for entry in part["undated"])


def test_past_and_what_ifs_are_made_each_time(get, monkeypatch):
    monkeypatch.setattr(computed, "made_once", None)
    get("projection/?as_of=2026-11-23T16:00:00%2B09:00")
