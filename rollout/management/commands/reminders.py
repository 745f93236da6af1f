"""`manage.py reminders`."""

from collections.abc import Iterator
from datetime import date
from textwrap import indent
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from rollout.models import Wave
from rollout.models.labels import day_text, moment_text
from rollout.outbox.explanation import explain
from rollout.outbox.foresight import Foreseen, UntilError, foresee, read_until

USAGE = (
    "--dry-run（これから送る通知を見る）か --why 宛先 移行単位（理由を調べる）を付けてください。"
    "このコマンドは何も送りません。送信は tick の仕事です（beat が1分ごとに行うか、manage.py tick）。"
)
NARROWS_DRY_RUN = "--until、--address、--wave は --dry-run と一緒に使います。"
LAGGING = "台帳は最新の計画に合わせて更新しているところです。最新の計画から計算しました。"


class Command(BaseCommand):
    """Look ahead, and look back, without changing anything."""

    help = "List what will go out, with its text (--dry-run), or say why somebody got mails or not (--why)."

    def add_arguments(self, parser: Any) -> None:
        """One of two questions."""
        parser.add_argument("--dry-run", action="store_true", help="list what will go out, changing nothing")
        parser.add_argument("--until", help="with --dry-run: the last day, 2027-02-28 or R9.2 (90 days)")
        parser.add_argument("--address", help="with --dry-run: only to addresses that contain this")
        parser.add_argument("--wave", metavar="CODE", help="with --dry-run: only about this wave")
        parser.add_argument(
            "--why",
            nargs=2,
            metavar=("ADDRESS", "CODE"),
            help="why an address got mails about a wave, or not",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the answer."""
        narrowed = any(options[name] is not None for name in ("until", "address", "wave"))
        if bool(options["why"]) == options["dry_run"]:
            raise CommandError(USAGE)
        if options["why"]:
            if narrowed:
                raise CommandError(NARROWS_DRY_RUN)
            self._explain(*options["why"])
        else:
            self._foresee(options["until"] or "", options["address"] or "", options["wave"])

    def _foresee(self, until_text: str, address: str, code: str | None) -> None:
        now = timezone.now()
        try:
            until = read_until(until_text, now)
        except UntilError as error:
            raise CommandError(f"--until {error}") from None
        waves = None if code is None else Q(pk=_find_wave(code).pk)
        foresight = foresee(now, until, waves=waves, address=address)
        if foresight.is_ledger_behind:
            self.stderr.write(LAGGING)
        for mail in foresight:
            self.stdout.write("\n".join(_lines(mail)) + "\n\n")
        self.stdout.write(_total(timezone.localdate(now), until, len(foresight)))

    def _explain(self, address: str, code: str) -> None:
        for answer in explain(address, _find_wave(code), timezone.now()):
            self.stdout.write(
                "\n".join([answer.about or address, *(f"  {text}" for text in answer.sentences)])
            )


def _lines(mail: Foreseen) -> Iterator[str]:
    late = f"（期日 {moment_text(mail.due_at)}）" if mail.goes_at != mail.due_at else ""
    absent = "" if mail.is_in_ledger else "（台帳にはまだない）"
    cutover = f"（切替予定 {mail.wave.cutover.text or '検討中'}）" if mail.wave else ""
    yield f"{moment_text(mail.goes_at)}{late} {mail.wave or 'PMO'}{cutover} {mail.rule}{absent}"
    yield f"  宛先: {mail.name} <{mail.address}>"
    yield f"  件名: {mail.subject}"
    yield indent(mail.body.rstrip(), "    ")


def _total(today: date, until: date, count: int) -> str:
    return (
        f"{(until - today).days}日間（{day_text(until)}まで）で{count:,}通。何も送らず、何も変えていません。"
    )


def _find_wave(code: str) -> Wave:
    names = ("rollout__lead_ministry", "merged_into__rollout__lead_ministry")
    wave = Wave.objects.select_related(*names).filter(code=code).first()
    if wave is None:
        raise CommandError(
            f"コード「{code}」の移行単位はありません。/admin/rollout/wave/ で確かめてください。"
        )
    return wave
