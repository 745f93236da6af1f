"""What a table may say and what its rows come to: the rules that waves and contacts have in common."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from rollout.importing.files import Broken, Line, Table, UnreadableFileError, Value, plain_text
from rollout.models.labels import reason_of
from rollout.tables import Cell, printable

CHUNK = 500
CLEAR = "#CLEAR"
"""Written into a cell, it empties what an empty cell leaves alone."""

Progress = Callable[[int], None]
"""Told how many lines are done."""


@dataclass(frozen=True)
class Mistake:
    """What is wrong in a cell, and what would be right."""

    line: int
    column: str
    text: str


@dataclass(frozen=True)
class Difference:
    """What a line changes of a row, in words; of a row that is not there yet `before` is empty."""

    line: int
    row: str
    column: str
    before: str
    after: str
    is_new: bool


@dataclass
class Found:
    """What a table comes to: rows as they are to be, and everything that a person should see first."""

    lines: int = 0
    rows: list[Any] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    """Cells that say otherwise in columns which follow from others, by column."""

    @property
    def new(self) -> int:
        """Rows that are not there yet."""
        return sum(row.pk is None for row in self.rows)


class Sheet:
    """One kind of table. A line is known by `key`; a kind of row says how it is found and written."""

    title: ClassVar[str]
    headings: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]
    """Columns without which no row is found."""
    found_by: ClassVar[tuple[str, ...]]
    """Columns that `find` reads."""
    identity: ClassVar[tuple[str, ...]] = ()
    """Columns that say which row it is, and must not say otherwise."""
    keys: ClassVar[Mapping[str, str]] = {}
    """Columns that a new row is known by, and their fields."""
    editable: ClassVar[Mapping[str, str]]
    """Columns that are taken over, and the fields of the row that they speak of."""
    clears: ClassVar[Mapping[str, Any]] = {}
    """Columns that CLEAR empties, and what they then have."""

    def __init__(self) -> None:
        self.found = Found()
        self._first_lines: dict[Any, int] = {}

    def examine(self, table: Table, progress: Progress) -> Found:
        """What the table comes to. Writes nothing. Raises UnreadableFileError for missing columns."""
        missing = [heading for heading in self.needed if heading not in table.headings]
        if missing:
            raise UnreadableFileError(
                *(gettext("「{heading}」の列がありません。").format(heading=heading) for heading in missing)
            )
        if not set(self.editable) & set(table.headings):
            raise UnreadableFileError(
                gettext("取り込む列（{names}）が1つもありません。").format(
                    names=gettext("、").join(self.editable)
                )
            )
        self.found.lines = len(table.lines)
        for start in range(0, len(table.lines), CHUNK):
            progress(start)
            chunk = table.lines[start : start + CHUNK]
            self.prepare(chunk)
            for line in chunk:
                self._examine(line)
        progress(len(table.lines))
        return self.found

    def prepare(self, lines: Sequence[Line]) -> None:
        """Read the rows that these lines may speak of."""

    def find(self, line: Line) -> Any:
        """The row that a line speaks of, maybe a new one; None where it says none, after `mistake`."""
        raise NotImplementedError

    def exported(self, row: Any) -> Mapping[str, Cell]:
        """The row as an export has it."""
        raise NotImplementedError

    def value(self, heading: str, value: Value) -> Any:
        """What a cell says, for its field. Raises ValueError: what would be right, in Japanese."""
        raise NotImplementedError

    def check(self, row: Any, before: Mapping[str, Any]) -> None:
        """Raise ValidationError by field; `before` has what the changed fields had."""

    def label(self, row: Any) -> str:
        """What the row is called."""
        raise NotImplementedError

    def mistake(self, line: Line, column: str, text: str) -> None:
        """Keep what is wrong with a cell."""
        self.found.mistakes.append(Mistake(line.number, column, text))

    def text(self, line: Line, heading: str) -> str:
        """A cell that says which row it is."""
        return plain_text(line.cells.get(heading))

    def is_first(self, line: Line, key: Any, column: str) -> bool:
        """False, after `mistake`, where an earlier line speaks of the same row."""
        first = self._first_lines.setdefault(key, line.number)
        if first != line.number:
            self.mistake(
                line,
                column,
                gettext("{first}行目と同じものです。1行だけにしてください。").format(first=first),
            )
        return first == line.number

    def _examine(self, line: Line) -> None:
        mistakes = len(self.found.mistakes)
        for heading in self.found_by:
            self._expect_value(line, heading)
        row = self.find(line) if len(self.found.mistakes) == mistakes else None
        if row is None:
            return
        is_new = row.pk is None
        exported = {} if is_new else self.exported(row)
        before = {name: getattr(row, name) for name in self.editable.values()}
        for heading, value in line.cells.items():
            self._take(line, row, heading, value, exported.get(heading))
        if len(self.found.mistakes) > mistakes:
            return
        changed = {name: old for name, old in before.items() if is_new or getattr(row, name) != old}
        if not changed:
            return
        try:
            self.check(row, changed)
        except ValidationError as error:
            self._refuse(line, error)
            return
        if differences := list(self._differences(line, row, exported, is_new=is_new)):
            self.found.rows.append(row)
            self.found.differences += differences

    def _take(self, line: Line, row: Any, heading: str, value: Value, exported: Cell) -> None:
        """Write a cell into the row where it speaks of it and says otherwise."""
        if heading in (*self.editable, *self.identity) and not self._expect_value(line, heading):
            return
        if heading in self.editable:
            if str(value) != printable(_shown(exported)).strip():
                self._set(line, row, heading, value)
        elif heading in self.identity and row.pk is not None:
            if plain_text(value) != plain_text(_shown(exported)):
                right = _shown(exported) or gettext("空欄")
                self.mistake(
                    line,
                    heading,
                    gettext(
                        "「{shown}」とありますが、この行は「{right}」です。"
                        "行がずれていないか確かめてください。ここでは変えられません。"
                    ).format(shown=_shown(value), right=right),
                )
        elif heading not in self.found_by and plain_text(value) != plain_text(_shown(exported)):
            self.found.ignored[heading] += 1

    def _expect_value(self, line: Line, heading: str) -> bool:
        """False, after `mistake`, where a cell holds a formula or an error in place of a value."""
        value = line.cells.get(heading)
        if isinstance(value, Broken):
            self.mistake(line, heading, gettext("{why}。").format(why=value.why))
        return not isinstance(value, Broken)

    def _set(self, line: Line, row: Any, heading: str, value: Value) -> None:
        """Take a cell over. Another way to write what the row has, as Excel has for days, is no change."""
        name, clears = self.editable[heading], plain_text(value).upper() == CLEAR
        try:
            said = self._cleared(heading) if clears else self.value(heading, value)
        except ValueError as error:
            self.mistake(line, heading, reason_of(error))
            return
        if said != getattr(row, name):
            setattr(row, name, said)

    def _cleared(self, heading: str) -> Any:
        if heading not in self.clears:
            raise ValueError(
                gettext("空にできません。{clear} を消すか、値を入れてください。").format(clear=CLEAR)
            )
        return self.clears[heading]

    def _refuse(self, line: Line, error: ValidationError) -> None:
        """Say under which heading a rule is broken."""
        heading_of = {name: heading for heading, name in {**self.editable, **self.keys}.items()}
        by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, texts in by_field.items():
            self.mistake(line, heading_of.get(name, gettext("行")), "".join(texts))

    def _differences(
        self, line: Line, row: Any, before: Mapping[str, Cell], *, is_new: bool
    ) -> Iterator[Difference]:
        label, after = self.label(row), self.exported(row)
        for heading in self.editable:
            texts = _shown(before.get(heading)), _shown(after[heading])
            if texts[0] != texts[1]:
                yield Difference(line.number, label, heading, *texts, is_new)


def clean(row: models.Model, names: Mapping[str, Any]) -> None:
    """Hold the changed fields against their own rules. Raises ValidationError by field."""
    row.clean_fields(exclude=[field.name for field in row._meta.fields if field.name not in names])


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
