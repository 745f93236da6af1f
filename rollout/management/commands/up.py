"""`manage.py up`: the whole product in one process."""

import os
import secrets
import socket
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ministries.models import Contact, Ministry
from rollout.models import Rollout
from rollout.seed import seed
from rollout.tasks import follow_change

PMO_MINISTRY = "digital-agency"


class Command(BaseCommand):
    """Migrate, load the plan the first time, make the first administrator, and serve."""

    help = "Prepare the database and serve page, admin, API, worker and beat in one process."

    def add_arguments(self, parser: Any) -> None:
        """Where to listen."""
        parser.add_argument("--bind", default=os.environ.get("BIND", "127.0.0.1:8000"), help="host:port")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Everything here is safe to repeat; the second start only checks."""
        refuse_taken_address(options["bind"])
        call_command("migrate", interactive=False, verbosity=0)
        if rows := seed():
            self.stdout.write(f"実データを読み込みました（{rows}件）")
        if settings.EMBEDDED:
            make_example_contacts()
        follow_change()
        self._make_first_administrator()
        self.stdout.write(f"http://{options['bind']}/ で見られます（編集は /admin/ 、止めるには Ctrl+C）")
        self.stdout.flush()
        os.environ["BIND"] = options["bind"]
        serve = [sys.executable, "-m", "gunicorn", "-c", "python:gss_tracker.server", "gss_tracker.wsgi"]
        os.execv(sys.executable, serve)  # noqa: S606 (the server takes this process over)

    def _make_first_administrator(self) -> None:
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        self.stdout.write("最初の管理者を作りました。パスワードは二度と表示されません。")
        self.stdout.write(f"  ユーザー名 admin\n  パスワード {password}")


def refuse_taken_address(bind: str) -> None:
    """Raise CommandError when nobody can listen on `bind`, before anything else is done."""
    host, _, port = bind.rpartition(":")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except (OSError, ValueError) as error:
            raise CommandError(
                f"{bind} では待ち受けできません（{error}）。"
                "すでに動いていないか確認するか、--bind 127.0.0.1:8001 のように別の番号を指定してください。"
            ) from error


def make_example_contacts() -> None:
    """A PMO contact and one a lead ministry, so that mail is owed; only where there never was a contact."""
    if Contact.history.exists():
        return
    pmo = Ministry.objects.filter(code=PMO_MINISTRY).first()
    if pmo:
        Contact.objects.create(
            ministry=pmo, name="GSS導入PMO", email="pmo@example.go.jp", role=Contact.Role.PMO
        )
    for ministry in Ministry.objects.filter(pk__in=Rollout.objects.values("lead_ministry")):
        Contact.objects.create(
            ministry=ministry, name=f"{ministry.name} GSS担当", email=f"{ministry.code}@example.go.jp"
        )
