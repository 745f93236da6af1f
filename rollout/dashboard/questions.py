"""What the address of a page asks. Every view can be kept, sent and had again by its address.

A question that cannot be answered is answered with what would be right; everything else is shown as asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ministries.models import Ministry
from rollout.domain.plan import Basis
from rollout.domain.projection import Granularity
from rollout.history import rows_at
from rollout.models import Baseline, Cohort, Scenario
from rollout.models.labels import moment_text
from rollout.models.scenario import may_see_scenarios
from rollout.models.visible import visible_scenarios
from rollout.moments import UnknownMomentError, UnreadableMomentError, known, read_moment
from rollout.shown import Part

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

QUOTED_LENGTH = 40
CHOOSE = _("下から選んでください。")
SCENARIOS_HIDDEN = _("試算を見られるのは、権限のある人がログインしたときだけです。")
DAYS = (7, 30)
PLAIN = {"basis", "granularity", "days"}
"""What may be asked of the plan as it is; each has a few answers."""

Answer = TypeVar("Answer")
Row = TypeVar("Row", bound=models.Model)
Person = AbstractBaseUser | AnonymousUser


class RefusedError(Exception):
    """What was asked for cannot be shown; the text says what would be right."""


@dataclass(frozen=True)
class Question:
    """What the front page shows; `refused` says of what could not be answered what would be right.

    `days` is how far back it tells what has changed.
    """

    basis: Basis
    granularity: Granularity
    days: int
    moment: datetime | None
    baseline: Baseline | None
    scenario: Scenario | None
    cohort: Any
    ministry: Any
    refused: tuple[str, ...]

    @property
    def part(self) -> Part:
        """The part of the plan that lists show."""
        return Part(self.moment, self.cohort and self.cohort.id, self.ministry and self.ministry.id)

    @property
    def of_curve(self) -> str:
        """The same question as the API takes it of the curve: a query string without the question mark."""
        basis = self.basis.value if self.basis is not Basis.CUMULATIVE else ""
        return _query(basis=basis, as_of=self._as_of, scenario=_code(self.scenario))

    @property
    def of_cutovers(self) -> str:
        """The same of the waves."""
        return _query(as_of=self._as_of, cohort=_code(self.cohort), ministry=_code(self.ministry))

    @property
    def _as_of(self) -> str:
        return self.moment.isoformat() if self.moment else ""

    @property
    def is_plain(self) -> bool:
        """True where nothing is asked but the plan as it is."""
        return not any((self.moment, self.baseline, self.scenario, self.cohort, self.ministry))


def read_question(asked: QueryDict, user: Person) -> Question:
    """What is asked, but for what is refused. Raises BusyError while a change is being written."""
    refused: list[str] = []

    def answer(name: str, read: Callable[[str], Answer], otherwise: Answer) -> Answer:
        text = asked.get(name, "")
        try:
            return read(text) if text else otherwise
        except RefusedError as error:
            refused.append(str(error))
            return otherwise

    moment = answer("as_of", choose_moment, None)
    scenario = answer("scenario", lambda text: choose_scenario(text, user), None)
    if moment and scenario:
        refused.append(gettext("「scenario」と「as_of」は一緒に指定できません。"))
        scenario = None
    baseline = answer("baseline", choose_baseline, None)
    if moment and baseline and baseline.moment > moment:
        refused.append(gettext("「{label}」は見る時点より後の計画です。").format(label=baseline.label))
        baseline = None
    return Question(
        basis=answer("basis", _basis, Basis.CUMULATIVE),
        granularity=answer("granularity", _granularity, Granularity.MONTH),
        days=answer("days", _days, DAYS[0]),
        moment=moment,
        baseline=baseline,
        scenario=scenario,
        cohort=answer("cohort", lambda text: choose_row(Cohort, text, moment), None),
        ministry=answer("ministry", lambda text: choose_row(Ministry, text, moment), None),
        refused=tuple(refused),
    )


def _code(row: Any) -> str:
    return row.code if row else ""


def _query(**asked: str) -> str:
    return urlencode({name: text for name, text in asked.items() if text})


def may_be_kept(asked: QueryDict, question: Question) -> bool:
    """True for the few addresses that most people open: whoever asks on and on must not fill the cache."""
    values = [value for _, several in asked.lists() for value in several]
    return len(values) <= 1 and set(asked) <= PLAIN and question.is_plain and not question.refused


def choose_baseline(code: str) -> Baseline:
    """The baseline with this code. Raises RefusedError where there is none or nothing is known of then."""
    baseline = _found(Baseline, Baseline.objects.filter(code=code).first(), code)
    try:
        known(baseline.moment)
    except UnknownMomentError as error:
        raise RefusedError(
            gettext("「{label}」の時点（{moment_text}）の計画は、履歴に残っていません。").format(
                label=baseline.label, moment_text=moment_text(baseline.moment)
            )
        ) from error
    return baseline


def choose_scenario(code: str, user: Person) -> Scenario:
    """The scenario with this code. Raises RefusedError where this person sees none, or it cannot be read."""
    remedy = CHOOSE if may_see_scenarios(user) else SCENARIOS_HIDDEN
    scenario = _found(Scenario, visible_scenarios(user).filter(code=code).first(), code, remedy)
    try:
        scenario.check_readable()
    except ValidationError as error:
        raise RefusedError(error.message) from error
    return scenario


def choose_row(kind: type[models.Model], code: str, moment: datetime | None) -> Any:
    """The row with this code, as it was at the moment. Raises RefusedError where there is none."""
    return _found(kind, rows_at(kind, moment).filter(code=code).first(), code)


def _found(kind: type[models.Model], row: Row | None, code: str, remedy: "StrOrPromise" = CHOOSE) -> Row:
    if row is None:
        raise RefusedError(
            gettext("「{code}」という{name}はありません。{remedy}").format(
                code=code[:QUOTED_LENGTH], name=kind._meta.verbose_name, remedy=remedy
            )
        )
    return row


def choose_moment(text: str) -> datetime:
    """The moment that a text names. Raises RefusedError, or BusyError while a change is being written."""
    try:
        return read_moment(text)
    except (UnreadableMomentError, UnknownMomentError) as error:
        raise RefusedError(str(error)) from error


def _basis(text: str) -> Basis:
    return _one_of("basis", text, {each.value: each for each in Basis})


def _granularity(text: str) -> Granularity:
    return _one_of("granularity", text, {each.value: each for each in Granularity})


def _days(text: str) -> int:
    return _one_of("days", text, {str(each): each for each in DAYS})


def _one_of(name: str, text: str, answers: Mapping[str, Answer]) -> Answer:
    if text not in answers:
        raise RefusedError(
            gettext("「{name}={text}」は選べません。使えるのは {names} です。").format(
                name=name, text=text[:QUOTED_LENGTH], names=gettext("、").join(answers)
            )
        )
    return answers[text]
