"""`manage.py slide`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rollout.domain.plan import Basis
from rollout.models import Projection
from rollout.slide import SlideRefused, make_slide

NOT_COMPUTED = "見込みはまだ計算されていません。manage.py recompute を実行してください。"


class Command(BaseCommand):
    """Print the slide, or why there is none."""

    help = "Print the published groups in the form of the budget document, from the plan as it is."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """In plain text. Raises CommandError with the reasons where the plan does not bear it out."""
        projection = Projection.objects.current(Basis.CUMULATIVE, timezone.localdate())
        if projection is None:
            raise CommandError(NOT_COMPUTED)
        try:
            self.stdout.write(make_slide(projection).text())
        except SlideRefused as refused:
            reasons = "".join(f"\n- {reason}" for reason in refused.reasons)
            raise CommandError(f"計画と公表値が合わないため、年次資料を出せません。{reasons}") from None
