"""Sentences for people that the rules come to.

They are Japanese. The rules are plain Python and know no reader, so a sentence keeps its template and its
values apart: who shows it may say it in another language (`rollout.models.labels.say`).
"""

from collections.abc import Callable
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
