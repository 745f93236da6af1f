"""Writing rollouts and waves."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError as InputError
from rest_framework.request import Request
from rest_framework.response import Response

from gss_tracker.problems import as_detail
from rollout import actions, answers
from rollout.api.versions import version_in, versions_of
from rollout.api.writing import examples as bodies
from rollout.api.writing.inputs import (
    NewRollout,
    NewWave,
    ReasonInput,
    RolloutChange,
    UseInput,
    WaveChange,
    WaveRows,
)
from rollout.api.writing.rows import fill, save_rollout
from rollout.api.writing.schema import writes
from rollout.api.writing.views import WritingView
from rollout.models import Rollout, Wave


class WaveVersionSerializer(serializers.Serializer[Any]):
    """A wave and the version that it now has."""

    code = serializers.CharField()
    version = serializers.CharField()


class WaveVersionsSerializer(serializers.Serializer[Any]):
    """Many waves after a change."""

    waves = WaveVersionSerializer(many=True)


WAVES = Wave.objects.select_related("rollout__lead_ministry")


class WaveWriting(WritingView):
    """Waves are added, changed (one, or many at once) and confirmed; 中止 is a status."""

    right_of: Mapping[str, str] = {"confirm_cutover": "change", "confirm_use": "change"}

    def create(self, request: Request) -> Response:
        """Add a wave to a rollout.

        409 where the code is taken. The plan's figures follow.
        """

        def act(values: dict[str, Any]) -> Wave:
            self.check_new(code=values["code"])
            author = self.author(values)
            wave = Wave()
            author.save(wave, values)
            author.check_cited()
            return wave

        return self.write(
            NewWave, act, waves=lambda values: Q(code=values["code"]), status=HTTPStatus.CREATED
        )

    def partial_update(self, request: Request, code: str) -> Response:
        """Change a wave.

        What is left out stays. With `status` `in_use` and a cutover to the day this is 利用開始確認; with
        `cancelled` the wave is withdrawn, and its place in the sharing stays.
        """

        def act(values: dict[str, Any]) -> Wave:
            wave: Wave = self.row_to_change(WAVES)
            author = self.author(values)
            author.save(wave, values)
            author.check_cited()
            return wave

        return self.write(WaveChange, act, waves=lambda _: Q(code=code))

    @writes(
        WaveRows,
        WaveVersionsSerializer,
        bodies.WAVE_ROWS,
        is_change=False,
        operation_id="waves_partial_update_many",
    )
    def partial_update_many(self, request: Request) -> Response:
        """Change up to 1,000 waves for one reason: all of them, or none.

        Each row says which `version` was read, in place of `If-Match`; errors stand by row.
        """
        return self.write(
            WaveRows,
            self._change_many,
            waves=lambda values: Q(code__in=[row["code"] for row in values["waves"]]),
        )

    @action(detail=True, methods=["post"], url_path="confirm-cutover")
    def confirm_cutover(self, request: Request, code: str) -> Response:
        """日程確認: say that the cutover still holds as it stands.

        Recorded as of today; a cutover that has passed or is undecided cannot be confirmed.
        """

        def act(values: dict[str, Any]) -> Wave:
            wave: Wave = self.row_to_change(WAVES)
            answers.confirm_cutover(wave=wave, actor=self.actor, reason=values["reason"])
            return wave

        return self.write(ReasonInput, act, waves=lambda _: Q(code=code))

    @action(detail=True, methods=["post"], url_path="confirm-use")
    def confirm_use(self, request: Request, code: str) -> Response:
        """利用開始確認: say since which day the wave has been in use.

        The day replaces the cutover; history keeps the plan.
        """

        def act(values: dict[str, Any]) -> Wave:
            wave: Wave = self.row_to_change(WAVES)
            answers.confirm_use(wave=wave, day=values["day"], actor=self.actor, reason=values["reason"])
            return wave

        return self.write(UseInput, act, waves=lambda _: Q(code=code))

    def written(self, row: Any, status: HTTPStatus) -> Response:
        """The wave; of many, the versions that they now have."""
        return Response(row, status=status) if isinstance(row, dict) else super().written(row, status)

    def _change_many(self, values: dict[str, Any]) -> dict[str, Any]:
        rows = WAVES.in_bulk([row["code"] for row in values["waves"]], field_name="code")
        versions = versions_of(Wave, [wave.pk for wave in rows.values()])
        changed: dict[str, Wave | None] = {}
        errors: list[Mapping[str, Any]] = []
        for row in values["waves"]:
            errors.append(_change(dict(row), rows, versions, changed))
        if any(errors):
            raise InputError({"waves": errors})
        if written := [wave for wave in changed.values() if wave]:
            actions.save_rows(rows=written, actor=self.actor, reason=values["reason"])
        now = versions_of(Wave, [wave.pk for wave in rows.values()])
        codes = [row["code"] for row in values["waves"]]
        return {"waves": [{"code": code, "version": now[rows[code].pk]} for code in codes]}


def _change(
    row: dict[str, Any], rows: Mapping[str, Wave], versions: Mapping[int, str], changed: dict[str, Any]
) -> Any:
    """Change one of many in memory, noted under its code in `changed`; the errors by field."""
    code, version = row.pop("code"), version_in(row.pop("version"))
    if (wave := rows.get(code)) is None:
        return {"code": [gettext("「{code}」というコードの移行単位はありません。").format(code=code)]}
    if code in changed:
        return {"code": [gettext("「{code}」が2回あります。1行にまとめてください。").format(code=code)]}
    changed[code] = None
    if version != versions[wave.pk]:
        message = gettext("読んだあとに変更されています。いまの版は「{version}」です。")
        return {"version": [message.format(version=versions[wave.pk])]}
    status_before = wave.status
    try:
        if fill(wave, row):
            actions.check_change(wave, status_before)
            changed[code] = wave
    except ValidationError as error:
        detail = as_detail(error)
        return detail if isinstance(detail, dict) else {"non_field_errors": detail}
    return {}


class RolloutWriting(WritingView):
    """Rollouts are added with their waves, changed, and withdrawn as a whole."""

    right_of: Mapping[str, str] = {"withdraw": "change"}

    def create(self, request: Request) -> Response:
        """Add a rollout with its waves.

        409 where its code is taken.
        """

        def act(values: dict[str, Any]) -> Rollout:
            self.check_new(code=values["code"])
            author = self.author(values)
            rollout = Rollout()
            save_rollout(rollout, values, author)
            author.check_cited()
            return rollout

        return self.write(
            NewRollout, act, waves=lambda values: Q(rollout__code=values["code"]), status=HTTPStatus.CREATED
        )

    def partial_update(self, request: Request, code: str) -> Response:
        """Change a rollout.

        What is left out stays; `also_covers` stands in place of all that there were. Its waves are written by
        `waves/`.
        """

        def act(values: dict[str, Any]) -> Rollout:
            rollout: Rollout = self.row_to_change(Rollout.objects.select_related("lead_ministry"))
            author = self.author(values)
            save_rollout(rollout, values, author)
            author.check_cited()
            return rollout

        return self.write(RolloutChange, act, waves=lambda _: Q(rollout__code=code))

    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, code: str) -> Response:
        """Withdraw a rollout: all of its waves that have not moved become 中止.

        They keep their places in the sharing, and their users leave every total.
        """

        def act(values: dict[str, Any]) -> Rollout:
            rollout: Rollout = self.row_to_change(Rollout.objects.select_related("lead_ministry"))
            actions.withdraw_rollout(rollout=rollout, actor=self.actor, reason=values["reason"])
            return rollout

        return self.write(ReasonInput, act, waves=lambda _: Q(rollout__code=code))
