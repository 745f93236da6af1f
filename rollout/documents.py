"""A new budget document put into force: its cohorts, their totals and members replace those of the last one.

One document describes all rollouts: each stands in exactly one cohort. A cohort is known by its code: one
that the document goes on with is changed, a new one added, one that it no longer has deleted. What was before
stays readable through history, and by a baseline of the moment before, which is kept in the same go.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rollout import actions
from rollout.actions import Actor
from rollout.domain.plan import Reading
from rollout.models import Baseline, Cohort, PlanVersion, Rollout, Source, Target

PARKED = 10_000
"""Added to the orders of cohorts while they change places: no two may share one, not even for a moment."""
REASON_NEEDED = _("新しい資料を反映する理由を書いてください。")
NOTHING_CHANGES = _("いまの計画から変わるところがありません。")


@dataclass(frozen=True)
class Entry:
    """One cohort as the document has it, the code of the one around it or "", its members' codes."""

    cohort: Cohort
    inside: str
    members: Sequence[str]

    def facts(self, source: Source) -> dict[str, Any]:
        """All that the row is to say."""
        return {**(_facts(self.cohort) or {}), "inside_id": self.inside, "source_id": source.pk}


@dataclass(frozen=True)
class Document:
    """What a document says: where it stands, its cohorts, and the target where it names another one."""

    source: Source
    entries: Sequence[Entry]
    target_users: int | None = None


@transaction.atomic
def put_into_force(
    *, document: Document, baseline: Baseline, actor: Actor, reason: str
) -> list[models.Model]:
    """Have the plan follow a document, all of it or nothing; returns the rows that changed.

    The plan as it was is kept under `baseline`, which is new. Raises ValidationError for a missing reason,
    for what `check_document` finds, and when the plan already says all this.
    """
    PlanVersion.objects.lock()
    if not (why := reason.strip()):
        raise ValidationError({"reason": REASON_NEEDED})
    check_document(document)
    changes = Changes.of(document)
    if not changes.rows:
        raise ValidationError(NOTHING_CHANGES)
    actions.save_baseline(row=baseline, actor=actor)
    _write(document, changes, {"actor": actor, "reason": why})
    return changes.rows


@dataclass(frozen=True)
class Changes:
    """Where a document and the plan differ: rows as they are to be, and cohorts to delete, as they were."""

    cohorts: list[Cohort]
    rollouts: list[Rollout]
    targets: list[Target]
    left_out: list[Cohort]

    @classmethod
    def of(cls, document: Document) -> "Changes":
        """Read the plan and compare."""
        kept = Cohort.objects.select_related("inside").in_bulk(field_name="code")
        left_out = set(kept) - {entry.cohort.code for entry in document.entries}
        return cls(
            cohorts=[
                entry.cohort
                for entry in document.entries
                if entry.facts(document.source) != _facts(kept.get(entry.cohort.code))
            ],
            rollouts=list(_moved(document)),
            targets=list(_retargeted(document)),
            left_out=sorted((kept[code] for code in left_out), key=_depth, reverse=True),
        )

    @property
    def rows(self) -> list[models.Model]:
        """All of them."""
        return [*self.cohorts, *self.rollouts, *self.targets, *self.left_out]


def check_document(document: Document) -> None:
    """Raise ValidationError, naming every place, when entries contradict one another or miss a rollout."""
    entries = document.entries
    if not entries:
        raise ValidationError(gettext("導入区分を1つ以上入力してください。"))
    found = [*_doubled(entries), *_misplaced(entries), *_broken_rows(entries), *_missing_members(entries)]
    if found:
        raise ValidationError(found)


def _doubled(entries: Sequence[Entry]) -> Iterator[str]:
    columns = {"コード": "code", "資料での順": "order", "増加数を示す年度": "fiscal_year"}
    for label, name in columns.items():
        values = Counter(getattr(entry.cohort, name) for entry in entries)
        for value, count in values.items():
            if value is not None and count > 1:
                yield gettext(
                    "「{label}」の {value} が{count}つの導入区分にあります。1つにしてください。"
                ).format(label=label, value=value, count=count)
    members = Counter(code for entry in entries for code in entry.members)
    for code, count in members.items():
        if count > 1:
            yield gettext(
                "導入案件 {code} が{count}回書かれています。1つの区分だけに書いてください。"
            ).format(code=code, count=count)


def _misplaced(entries: Sequence[Entry]) -> Iterator[str]:
    around = {entry.cohort.code: entry.inside for entry in entries}
    for entry in entries:
        if entry.inside and entry.inside not in around:
            yield gettext("「{label}」の上位の区分 {inside} が、この資料の区分にありません。").format(
                label=entry.cohort.label, inside=entry.inside
            )
        elif _leads_back(entry.cohort.code, around):
            yield gettext("「{label}」の上位の区分をたどると、自分自身に戻ります。").format(
                label=entry.cohort.label
            )
        elif entry.inside and entry.cohort.reading != Reading.GROUP:
            yield gettext(
                "「{label}」には上位の区分があるので、公表人数は「この区分だけの人数」です。"
            ).format(label=entry.cohort.label)


def _leads_back(code: str, around: dict[str, str]) -> bool:
    outer, seen = around.get(code, ""), {code}
    while outer and outer not in seen:
        seen.add(outer)
        outer = around.get(outer, "")
    return bool(outer)


def _broken_rows(entries: Iterable[Entry]) -> Iterator[str]:
    """What the columns' own rules say; who stands where is checked above."""
    for entry in entries:
        try:
            entry.cohort.clean_fields(exclude=["source", "inside"])
            for constraint in Cohort._meta.constraints:
                if isinstance(constraint, models.CheckConstraint):
                    constraint.validate(Cohort, entry.cohort, exclude={"inside"})
        except ValidationError as error:
            yield gettext("「{value}」：{names}").format(
                value=entry.cohort.label or entry.cohort.code, names=gettext("、").join(error.messages)
            )


def _missing_members(entries: Iterable[Entry]) -> Iterator[str]:
    written = {code for entry in entries for code in entry.members}
    known = {row.code: row for row in Rollout.objects.select_related("lead_ministry")}
    for code in sorted(written - set(known)):
        yield gettext(
            "導入案件 {code} は登録されていません。先に「導入案件」に追加するか、コードを直してください。"
        ).format(code=code)
    for code, row in known.items():
        if code not in written:
            yield gettext(
                "導入案件 {code}（{label}）が、どの区分にもありません。1つの区分に書いてください。"
            ).format(code=code, label=row.label)


def _facts(cohort: Cohort | None) -> dict[str, Any] | None:
    if cohort is None:
        return None
    values = {field.attname: getattr(cohort, field.attname) for field in Cohort._meta.concrete_fields}
    return {**values, "id": None, "inside_id": cohort.inside.code if cohort.inside else ""}


def _moved(document: Document) -> Iterator[Rollout]:
    """The rollouts that stand elsewhere, each with its new place among the members."""
    places = {
        code: (entry.cohort.code, number)
        for entry in document.entries
        for number, code in enumerate(entry.members, 1)
    }
    for rollout in Rollout.objects.select_related("cohort", "lead_ministry"):
        if (rollout.cohort.code, rollout.order) != places[rollout.code]:
            rollout.order = places[rollout.code][1]
            yield rollout


def _retargeted(document: Document) -> Iterator[Target]:
    """The final target, where the document names another figure."""
    if document.target_users is not None:
        for target in Target.objects.filter(by=None).exclude(users=document.target_users):
            target.users, target.derivation = document.target_users, ""
            yield target


def _depth(cohort: Cohort) -> int:
    return 0 if cohort.inside is None else 1 + _depth(cohort.inside)


def _write(document: Document, changes: Changes, signature: dict[str, Any]) -> None:
    if document.source._state.adding:
        actions.save_row(row=document.source, **signature)
    _write_cohorts(document, changes.cohorts, signature)
    cohort_of = {code: entry.cohort for entry in document.entries for code in entry.members}
    for rollout in changes.rollouts:
        rollout.cohort = cohort_of[rollout.code]
        actions.save_row(row=rollout, **signature)
    for target in changes.targets:
        target.source = document.source
        actions.save_row(row=target, **signature)
    for cohort in changes.left_out:
        actions.delete_row(row=cohort, **signature)


def _write_cohorts(document: Document, changed: list[Cohort], signature: dict[str, Any]) -> None:
    """The outermost first. All are parked meanwhile: no two may share an order or a fiscal year."""
    Cohort.objects.update(order=F("order") + PARKED, fiscal_year=None, published_multiple=None)
    written: dict[str, Cohort | None] = {"": None}
    waiting = list(document.entries)
    while waiting:
        entry = next(entry for entry in waiting if entry.inside in written)
        waiting.remove(entry)
        written[entry.cohort.code] = cohort = entry.cohort
        if cohort in changed:
            cohort.inside, cohort.source = written[entry.inside], document.source
            actions.save_row(row=cohort, **signature)
        else:
            names = ("order", "fiscal_year", "published_multiple")
            Cohort.objects.filter(pk=cohort.pk).update(**{name: getattr(cohort, name) for name in names})
