"""10,000 random values of parameters, and none that breaks anything."""

import random
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from tests.factories import BaselineFactory
from tests.rollout.what_ifs import suppose

DOCUMENT = yaml.safe_load(Path("docs/openapi.yaml").read_text(encoding="utf-8"))
FIELDS = {"name": "fields"}
CODES = {"scenarios": "late", "baselines": "budget", "waves": "nta-1", "reminders": "1"}


def address_of(path):
    """A path with a row that there is."""
    code = CODES.get(path.split("/")[3], "nta")
    return path.replace("{code}", code).replace("{id}", "1")


PARAMETERS = [
    (address_of(path), parameter["name"])
    for path, entry in DOCUMENT["paths"].items()
    if "get" in entry
    for parameter in [*entry["get"].get("parameters", ()), FIELDS]
    if parameter.get("in") == "query" or parameter is FIELDS
]
VALUES = 10_000 // len(PARAMETERS) + 1
WORDS = [
    *(
        "",
        "\0",
        "%00",
        "'",
        '";--',
        "../../etc/passwd",
        "null",
        "true",
        "NaN",
        "-1",
        "0",
        "1e999",
        "9" * 40,
        "１２",
    ),
    *(
        "R8.6",
        "R8.13",
        "令和99年",
        "検討中",
        "R8年度",
        "2026-02-30",
        "9999-12-31T23:59:59.999999+14:00",
        "0001-01-01",
    ),
    *(
        "2026-11-22",
        "2026-11-23T09:00:00+09:00",
        "2026-11",
        "now",
        "-".join("123456789"),
        "nta",
        "late",
        "budget",
    ),
    *(
        "code",
        "code,cutover",
        "ministry",
        "source",
        "-cutover",
        "cumulative",
        "group",
        "month",
        "wide",
        "en",
        "\ud7ff",
        "\U0001f600" * 50,
    ),
    *("a" * 5000, "😀", "‮", "\r\nX-Evil: 1", "$(id)", "{{7*7}}", "[]", "a,b" * 300),
]


def random_value(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(WORDS)
    if kind == 1:
        return "".join(chance.choice(WORDS)[:10] for _ in range(3))
    if kind == 2:
        return str(chance.randrange(-(10**6), 10**12))
    points = [
        chance.choice([chance.randrange(128), chance.randrange(0x3000, 0x9FFF)])
        for _ in range(chance.randrange(20))
    ]
    return "".join(map(chr, points))


@pytest.mark.usefixtures("seeded")
def test_ten_thousand_random_values_break_nothing(staff_client):
    BaselineFactory(code="budget")
    suppose(("nta", "cutover", "R9.6"), code="late")
    chance, asked, right = random.Random(8), 0, 0
    for path, name in PARAMETERS:
        for _ in range(VALUES):
            address = f"{path}?{name}={quote(random_value(chance))}"
            answer = staff_client.get(address)
            asked, right = asked + 1, right + (answer.status_code == 200)
            answer.close()
            assert answer.status_code in (200, 400, 404), (address, answer.status_code)
            assert answer.status_code == 200 or answer["Content-Type"] == "application/problem+json", address
    assert asked >= 10_000
    assert right > asked // 25  # enough of them mean something
