"""Sentences for people that the rules come to.

They are Japanese. The rules are plain Python and know no reader, so a sentence keeps its template and its
values apart: who shows it may say it in another language (`rollout.models.labels.say`).
"""

from collections.abc import Callable
from datetime import date
from typing import Any


class Words:
    """A template with its values, which may be words again; as text, or beside a text, it is Japanese."""

    def __init__(self, template: str, **values: Any) -> None:
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)

    def __repr__(self) -> str:
        return f"Words({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str | Words) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def said(self, translate: Callable[[str], str]) -> str:
        """In the language that `translate` turns templates into."""
        values = {
            name: value.said(translate) if isinstance(value, Words) else value
            for name, value in self.values.items()
        }
        return translate(self.template).format(**values)


def day_words(day: date) -> Words:
    """`2026年11月23日`; other languages may say it as `{iso}`."""
    return Words(
        "{year}年{month}月{day}日", year=day.year, month=day.month, day=day.day, iso=f"{day:%Y-%m-%d}"
    )


_ON = [
    *(Words("{day}（月）"), Words("{day}（火）"), Words("{day}（水）"), Words("{day}（木）")),
    *(Words("{day}（金）"), Words("{day}（土）"), Words("{day}（日）")),
]


def weekday_words(day: date) -> Words:
    """`2026年11月23日（月）`."""
    return Words(_ON[day.weekday()].template, day=day_words(day))
