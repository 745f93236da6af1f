"""Examples of rows for the OpenAPI document: the published plan as the API answers it, held by a test."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

CUTOVER: dict[str, Any] = {
    "text": "R8.6~",
    "earliest": "2026-06-01",
    "latest": "2026-06-30",
    "precision": "month",
    "open_ended": True,
    "era": "令和8年6月",
    "fiscal_year": 2026,
    "fiscal_year_label": "R8年度",
}
COUNT: dict[str, Any] = {
    "users": 68600,
    "basis": "stated",
    "citation": {
        "source": "press-2024",
        "title": "Business Network: 政府共通ネットワーク更改の記事",
        "text": "約578拠点・約6万8600人",
    },
}
MINISTRY: dict[str, Any] = {
    "code": "nta",
    "name": "国税庁",
    "name_en": "National Tax Agency",
    "kind": "agency",
    "parent": "mof",
    "children": [],
    "order": 18.2,
    "aliases": [],
    "corporate_number": "7000012050002",
    "leads": ["nta"],
    "covered_by": [],
}
SOURCE: dict[str, Any] = {
    "code": "budget-r8",
    "title": "令和8年度予算概算要求及び機構定員要求の概要",
    "publisher": "デジタル庁",
    "published_on": {
        "text": "2025-08",
        "earliest": "2025-08-01",
        "latest": "2025-08-31",
        "precision": "month",
        "open_ended": False,
        "era": "令和7年8月",
        "fiscal_year": 2025,
        "fiscal_year_label": "R7年度",
    },
    "kind": "primary",
}
COHORT: dict[str, Any] = {
    "code": "fy2026",
    "label": "R8年度導入予定（資料では下線部）",
    "order": 4,
    "inside": "fy2026-onward",
    "published_users": 80000,
    "approximate": True,
    "rounding_unit": 10000,
    "reading": "group",
    "undecided_note": "",
    "fiscal_year": 2026,
    "fiscal_year_label": "R8年度",
    "published_multiple": 2,
    "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
    "text_in_source": "ユーザー数は倍増 (約8万の増加) を見込む",
    "rollouts": ["nta", "nra", "meti", "isa", "local-finance-bureaus"],
}
TARGET: dict[str, Any] = {
    "code": "fy2026-end",
    "label": "R8年度末の利用者数",
    "users": 152000,
    "reading": "running_total",
    "by": "2027-03-31",
    "derivation": "R7年度末 72,000（約47,000＋約25,000）＋ R8年度の増加 約8万",
    "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
}
OBSERVATION: dict[str, Any] = {
    "as_of": {
        "text": "2024-06-19",
        "earliest": "2024-06-19",
        "latest": "2024-06-19",
        "precision": "day",
        "open_ended": False,
        "era": "令和6年6月19日",
        "fiscal_year": 2024,
        "fiscal_year_label": "R6年度",
    },
    "users": 35000,
    "approximate": True,
    "source": {"code": "review-2024", "title": "行政事業レビュー 2024年度第2回（デジタル庁）"},
    "note": "利用者=一括調達端末を配布した者",
}
ROLLOUT: dict[str, Any] = {
    "version": "4711-17-23",
    "code": "nta",
    "label": "国税庁",
    "cohort": "fy2026",
    "order": 1,
    "ministry": {"code": "nta", "name": "国税庁"},
    "also_covers": [],
    "scope": "",
    "partial": False,
    "count": COUNT,
    "weight": 56018,
    "weight_scope": "body",
    "weight_note": "定員 R7",
    "waves": [
        {
            "code": "nta-1",
            "name": "",
            "cutover": CUTOVER,
            "count": COUNT,
            "status": "planned",
            "status_label": "予定",
            "merged_into": None,
            "overdue_unconfirmed": True,
            "note": "",
        }
    ],
    "citations": [
        {
            "wave": None,
            "source": {"code": "budget-r8", "title": "令和8年度予算概算要求及び機構定員要求の概要"},
            "subject": "cutover",
            "text": "国税庁 (R8.6~)",
            "says_cutover": CUTOVER,
            "says_users": None,
            "locator": "",
            "note": "",
            "adopted": True,
        },
        {
            "wave": None,
            "source": {"code": "press-2024", "title": "Business Network: 政府共通ネットワーク更改の記事"},
            "subject": "users",
            "text": "約578拠点・約6万8600人",
            "says_cutover": None,
            "says_users": 68600,
            "locator": "",
            "note": "",
            "adopted": True,
        },
    ],
}
WAVE: dict[str, Any] = {
    "version": "4711",
    "rollout": {"code": "nta", "label": "国税庁"},
    "ministry": {"code": "nta", "name": "国税庁"},
    "cohort": "fy2026",
    "code": "nta-1",
    "name": "",
    "cutover": CUTOVER,
    "count": COUNT,
    "status": "planned",
    "status_label": "予定",
    "merged_into": None,
    "overdue_unconfirmed": True,
    "note": "",
}


def example(name: str, row: dict[str, Any]) -> list[OpenApiExample]:
    """A row as an example of a serializer."""
    return [OpenApiExample(name, value=row, response_only=True)]
