"""One line of JSON an event, for who watches: who did what to which account. No addresses, no other data."""

import json
import logging
from typing import Any

from django.contrib.auth import get_user_model

logger = logging.getLogger("gss_tracker.security")


def record(event: str, **facts: Any) -> None:
    """Write the event and its facts; JSON keeps whatever was typed on one line."""
    logger.info("%s", json.dumps({"event": event, **facts}, ensure_ascii=False, default=str))


def known_name(username: str | None) -> str:
    """The user name where there is such a user, else "?": what was typed may have been a password."""
    users = get_user_model()._default_manager
    return username if username and users.filter(username=username).exists() else "?"
