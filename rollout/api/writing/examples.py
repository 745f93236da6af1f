"""Examples of bodies for the OpenAPI document; a test sends each of them."""

from typing import Any

WHY = {"reason": "9月3日 国税庁からの連絡"}
EVIDENCE = {"source": "report-2023", "text": "令和9年1月から", "locator": "p.3"}

WAVE_CHANGE: dict[str, Any] = {"cutover": "R9.1", **WHY, "evidence": EVIDENCE}
NEW_WAVE: dict[str, Any] = {
    "code": "nta-2",
    "rollout": "nta",
    "name": "第2陣",
    "cutover": "R9.4~",
    "users": 12000,
    **WHY,
}
WAVE_ROWS: dict[str, Any] = {
    "waves": [{"code": "nta-1", "version": "4711", "cutover": "R9.1"}],
    **WHY,
}
USE: dict[str, Any] = {"day": "R8.6.15", **WHY}
NEW_ROLLOUT: dict[str, Any] = {
    "code": "nta-local",
    "cohort": "fy2026-onward",
    "ministry": "nta",
    "scope": "地方拠点",
    "also_covers": ["mof"],
    "waves": [{"code": "nta-local-1", "cutover": "検討中"}],
    **WHY,
}
ROLLOUT_CHANGE: dict[str, Any] = {"users": 70000, "also_covers": [], **WHY}
NEW_SOURCE: dict[str, Any] = {
    "code": "report-2026",
    "title": "令和8年度の年次報告",
    "publisher": "デジタル庁",
    "published_on": "R8.11",
    "kind": "primary",
    **WHY,
}
NEW_OBSERVATION: dict[str, Any] = {
    "as_of": "R8.10",
    "users": 60000,
    "approximate": True,
    "source": "report-2023",
    **WHY,
}
NEW_SCENARIO: dict[str, Any] = {
    "code": "nta-3-months",
    "label": "国税庁 三か月遅れ",
    "note": "12月の会議に諮る",
    "state": "proposed",
    "changes": [{"rollout": "nta", "wave": None, "field": "cutover", "value": "R8.9"}],
}
SCENARIO_CHANGE: dict[str, Any] = {"state": "withdrawn"}

PERIODS: dict[str, Any] = {
    "R8.6~": {
        "text": "R8.6~",
        "earliest": "2026-06-01",
        "latest": "2026-06-30",
        "precision": "month",
        "open_ended": True,
        "era": "令和8年6月",
        "fiscal_year": 2026,
        "fiscal_year_label": "R8年度",
    },
    "R9.1": {
        "text": "R9.1",
        "earliest": "2027-01-01",
        "latest": "2027-01-31",
        "precision": "month",
        "open_ended": False,
        "era": "令和9年1月",
        "fiscal_year": 2026,
        "fiscal_year_label": "R8年度",
    },
}
ENTRY: dict[str, Any] = {
    "kind": "wave",
    "id": 18,
    "code": "nta-1",
    "change": "changed",
    "at": "2026-11-23T16:00:00+09:00",
    "by": "editor",
    **WHY,
    "values": {
        "rollout": {"id": 18, "code": "nta"},
        "code": "nta-1",
        "name": "",
        "cutover": PERIODS["R9.1"],
        "confirmed_on": None,
        "users": None,
        "status": "planned",
        "merged_into": None,
        "note": "",
    },
    "before": {"cutover": PERIODS["R8.6~"]},
}
CHANGES: dict[str, Any] = {"results": [ENTRY], "cursor": "58-7-5-25-3-4711-31-3-3", "next": None}
EFFECTS: dict[str, Any] = {
    "dry_run": True,
    "changes": [ENTRY],
    "fiscal_years": [
        {"fiscal_year": 2026, "label": "R8年度", "before": 152000, "after": 152000, "difference": 0}
    ],
    "conflicts": [],
    "warnings": [],
    "reminders": {"cancelled": 1, "created": 2},
}
