"""What the history keeps of a change beside who, when and why."""

from django.db import models


class CitedChange(models.Model):
    """A version that may rest on a citation: a base of the historical models of rollouts and waves.

    The history outlives what it speaks of, so nothing but the number of the citation holds the two together.
    """

    history_citation = models.ForeignKey(
        "rollout.Citation",
        null=True,
        blank=True,
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
    )

    class Meta:
        abstract = True
