"""The manager of everything that is known by a code."""

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class CodeManager(models.Manager[Row]):
    """Finds rows by their code, the natural key."""

    def get_by_natural_key(self, code: str) -> Row:
        """The row with this code."""
        return self.get(code=code)
