"""Two who write at once: one of them is told, and nothing is lost; who follows misses nothing."""

import json
import threading

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client

from rollout.models import Wave
from tests.factories import UserFactory, WaveFactory

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def editors():
    group, _ = Group.objects.get_or_create(name="編集")
    group.permissions.set(Permission.objects.filter(codename__in=["change_wave", "add_wave"]))
    clients = []
    for _ in range(3):
        user = UserFactory()
        user.groups.add(group)
        clients.append(Client())
        clients[-1].force_login(user)
    return clients


def at_once(clients, method, path, bodies, **headers):
    """The statuses of requests that begin together."""
    start, found = threading.Barrier(len(clients)), []

    def run(client, body):
        try:
            start.wait()
            answer = client.generic(method, path, json.dumps(body), "application/json", headers=headers)
            found.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in zip(clients, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def test_one_change_of_a_version_is_done_and_the_others_are_told(editors):
    wave = WaveFactory(code="w", cutover="R8.6")
    version = wave.history.get().history_id
    bodies = [{"cutover": cutover, "reason": "連絡"} for cutover in ("R9.1", "R9.2", "R9.3")]
    found = at_once(editors, "PATCH", "/api/v1/waves/w/", bodies, if_match=f'"{version}"')
    assert (found, Wave.history.filter(code="w").count()) == ([200, 412, 412], 2)


def test_one_row_of_a_code_is_added_and_the_others_are_told(editors):
    rollout = WaveFactory().rollout.code
    bodies = [{"code": "new", "rollout": rollout, "cutover": "R9.1", "reason": "連絡"}] * 3
    found = at_once(editors, "POST", "/api/v1/waves/", bodies)
    assert (found, Wave.objects.filter(code="new").count()) == ([201, 409, 409], 1)


def test_who_follows_while_many_write_misses_nothing(editors, settings):
    settings.PUBLIC_READ = True
    reader, seen = Client(), {}
    rollout, cursor = WaveFactory().rollout.code, reader.get("/api/v1/changes/?since=now").json()["cursor"]
    done = threading.Event()

    def follow():
        nonlocal cursor
        try:
            while True:
                last = done.is_set()
                answer = reader.get(f"/api/v1/changes/?since={cursor}&page_size=3").json()
                seen.update({entry["code"]: entry["values"]["note"] for entry in answer["results"]})
                cursor = answer["cursor"]
                if last and answer["next"] is None:
                    return
        finally:
            connection.close()

    following = threading.Thread(target=follow)
    following.start()
    for number in range(8):
        codes = [f"w{number}-{each}" for each in range(3)]
        bodies = [{"code": code, "rollout": rollout, "note": code, "reason": "連絡"} for code in codes]
        assert at_once(editors, "POST", "/api/v1/waves/", bodies) == [201, 201, 201]
    done.set()
    following.join()
    assert seen == {wave.code: wave.note for wave in Wave.objects.filter(code__startswith="w", note__gt="")}
    assert len(seen) == 24
