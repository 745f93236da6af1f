"""`manage.py reset_second_factor USER`: when nobody is left who could do it in the admin."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from signin.second_factor import reset_second_factor


class Command(BaseCommand):
    """Take a user's device and recovery codes away."""

    help = "Take the second factor of a local account away; the next sign-in sets up a new one."

    def add_arguments(self, parser: Any) -> None:
        """Whose."""
        parser.add_argument("username")

    def handle(self, *_args: Any, username: str, **_options: Any) -> None:
        """Raises CommandError where there is no such user."""
        user = get_user_model()._default_manager.filter(username=username).first()
        if user is None:
            raise CommandError(f"{username} というユーザーはいません。")
        reset_second_factor(user=user, by="manage.py")
        self.stdout.write(f"{username} の二要素認証を解除しました。")
