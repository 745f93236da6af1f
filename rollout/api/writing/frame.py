"""Recording what was published: sources, and counts of users on a day."""

from http import HTTPStatus
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from rollout.api.writing.inputs import NewObservation, NewSource
from rollout.api.writing.views import WritingView
from rollout.models import Observation, Source


class SourceWriting(WritingView):
    """Sources are added."""

    def create(self, request: Request) -> Response:
        """Register a source.

        409 where the code is taken.
        """

        def act(values: dict[str, Any]) -> Source:
            self.check_new(code=values["code"])
            source = Source()
            self.author(values).save(source, values)
            return source

        return self.write(NewSource, act, status=HTTPStatus.CREATED)


class ObservationWriting(WritingView):
    """Counts that were published are added."""

    def create(self, request: Request) -> Response:
        """Record a published count of GSS users.

        409 where the source's count of this day is recorded.
        """

        def act(values: dict[str, Any]) -> Observation:
            self.check_new(source=values["source"], as_of=values["as_of"].text)
            observation = Observation()
            self.author(values).save(observation, values)
            return observation

        return self.write(NewObservation, act, status=HTTPStatus.CREATED)

    def url_of(self, row: Any) -> str:
        """Observations have no codes: their list."""
        return self.reverse_action("list")

    def written(self, row: Any, status: HTTPStatus) -> Response:
        """The count as the list has it."""
        return Response(self.get_serializer(row).data, status=status)
