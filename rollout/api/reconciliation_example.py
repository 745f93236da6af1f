"""What `reconciliation/` says of the published plan, shortened: the example in the schema."""

from typing import Any

EXAMPLE: dict[str, Any] = {
    "basis": "cumulative",
    "computed_at": "2026-11-23T16:00:00+09:00",
    "data_version": 42,
    "stale": False,
    "figures": [
        {
            "kind": "cohort",
            "code": "fy2026-onward",
            "label": "令和8年度以降に導入完了予定",
            "period": None,
            "reading": "running_total",
            "published": 272000,
            "approximate": True,
            "multiple": None,
            "ratio": None,
            "computed": 152000,
            "difference": -120000,
            "difference_percent": -44.12,
            "tolerance": 6500,
            "undated": 120000,
            "verdict": "undated",
            "verdict_label": "未定あり",
            "source": {
                "code": "budget-r8",
                "title": "令和8年度予算概算要求及び機構定員要求の概要",
            },
            "text": "約272,000ユーザー",
        },
        {
            "kind": "multiple",
            "code": "fy2026",
            "label": "R8年度末（前年度末の2倍）",
            "period": "2026",
            "reading": "running_total",
            "published": 144000,
            "approximate": True,
            "multiple": 2,
            "ratio": 2.11,
            "computed": 152000,
            "difference": 8000,
            "difference_percent": 5.56,
            "tolerance": 36000,
            "undated": 0,
            "verdict": "agrees",
            "verdict_label": "一致",
            "source": {
                "code": "budget-r8",
                "title": "令和8年度予算概算要求及び機構定員要求の概要",
            },
            "text": "ユーザー数は倍増 (約8万の増加) を見込む",
        },
        {
            "kind": "observation",
            "code": "report-2023",
            "label": "令和5年8月の利用者数",
            "period": "2023-08",
            "reading": "running_total",
            "published": 26300,
            "approximate": True,
            "multiple": None,
            "ratio": None,
            "computed": 26703,
            "difference": 403,
            "difference_percent": 1.53,
            "tolerance": 50,
            "undated": 0,
            "verdict": "close",
            "verdict_label": "近い",
            "source": {
                "code": "report-2023",
                "title": "安全・安心で強靱なデジタル基盤の実現（2022年9月～2023年8月の成果と進捗）",
            },
            "text": "5機関",
        },
    ],
    "findings": [
        {
            "kind": "thin_remainder",
            "message": (
                "国税庁の公表人数 68,600人を引くと、"
                "「R8年度導入予定（資料では下線部）」の約80,000人のうち残りは 11,400人です。"
                "分け合う4機関のうち、定員が分かる3機関（出入国在留管理庁、経済産業省、"
                "原子力規制庁）だけで 15,657人なので、按分した人数は定員より少なくなります。"
                "ただし「約」の幅（±5,000人）を見込めば残りは最大 16,400人で、"
                "定員が分かる機関の分には足ります。"
            ),
            "cohort": "fy2026",
            "rollouts": [
                "isa",
                "local-finance-bureaus",
                "meti",
                "nra",
            ],
            "adds": 80000,
            "tolerance": 5000,
            "stated": [
                {
                    "rollout": "nta",
                    "users": 68600,
                },
            ],
            "inner_users": 0,
            "remainder": 11400,
            "known_weight": 15657,
            "unweighted": [
                "local-finance-bureaus",
            ],
        },
        {
            "kind": "mixed_weight_scopes",
            "message": (
                "「R8年度導入予定（資料では下線部）」の残りを分ける重み（定員）は、範囲がそろっていません。"
                "「その機関だけ」は出入国在留管理庁、原子力規制庁、「外局等を含む合計」は経済産業省です。"
                "按分した人数は、その分だけ不確かです。"
            ),
            "cohort": "fy2026",
            "rollouts": [
                "isa",
                "meti",
                "nra",
            ],
            "scopes": [
                {
                    "scope": "body",
                    "rollouts": [
                        "isa",
                        "nra",
                    ],
                },
                {
                    "scope": "with_outer",
                    "rollouts": [
                        "meti",
                    ],
                },
            ],
        },
        {
            "kind": "sources_disagree",
            "message": (
                "人事院の切替の時期が、1か月食い違っています。"
                "デジタル庁 R7.8は「人事院 (R4.9~)」（計画が採用）、"
                "デジタル庁 R5.8は「2022年8月」です。"
            ),
            "cohort": None,
            "rollouts": [
                "npa",
            ],
            "wave": None,
            "subject": "cutover",
            "apart": 1,
            "said": [
                {
                    "source": "budget-r8",
                    "wave": None,
                    "adopted": True,
                    "text": "人事院 (R4.9~)",
                    "cutover": "2022-09~",
                    "users": None,
                },
                {
                    "source": "report-2023",
                    "wave": None,
                    "adopted": False,
                    "text": "2022年8月",
                    "cutover": "2022-08",
                    "users": None,
                },
            ],
        },
        {
            "kind": "ambiguous_reading",
            "message": (
                "「令和8年度以降に導入完了予定」の「約272,000ユーザー」は、それまでを含む累計とも、"
                "この区分だけの人数とも読めます。累計なら全体で 272,000人、"
                "この区分だけの人数なら全体で 344,000人です。どちらが正しいかは、資料に書かれていません。"
            ),
            "cohort": "fy2026-onward",
            "rollouts": [],
            "totals": {
                "cumulative": 272000,
                "group": 344000,
            },
        },
        {
            "kind": "observations_close",
            "message": (
                "計画の元にした公表人数とは別の出典にある利用者数 3件のうち 3件で、"
                "計画の曲線との差は 2%以内です。"
                "令和5年8月は 26,300人に対して +403人（+1.5%）、"
                "令和6年3月は 34,000人に対して +396人（+1.2%）、"
                "令和6年6月19日は 35,000人に対して −393人（−1.1%）です。"
                "最も離れているのは令和5年8月の +1.5%です。"
            ),
            "cohort": None,
            "rollouts": [],
            "compared": 3,
            "close": 3,
            "largest_percent": 1.53,
            "observations": [
                {
                    "source": "report-2023",
                    "period": "2023-08",
                    "difference": 403,
                    "difference_percent": 1.53,
                },
                {
                    "source": "press-2024",
                    "period": "2024-03",
                    "difference": 396,
                    "difference_percent": 1.16,
                },
                {
                    "source": "review-2024",
                    "period": "2024-06-19",
                    "difference": -393,
                    "difference_percent": -1.12,
                },
            ],
        },
    ],
}
