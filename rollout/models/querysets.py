"""The base of the plan's QuerySets."""

from typing import Any, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class CodeQuerySet(models.QuerySet[Row]):
    """Rows known by their code."""

    def get_by_natural_key(self, code: str) -> Any:
        """The row with this code."""
        return self.get(code=code)
