"""The link in a mail by which its recipient answers: signed, so that nobody can make one up, and expiring.

It holds the number of the ledger's row and when it was signed, nothing personal.
"""

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.urls import reverse

VALID_FOR = timedelta(days=120)


class AnswerLinkError(ValueError):
    """A link by which nobody can answer."""


class AnswerLinkExpiredError(AnswerLinkError):
    """The link was ours, more than 120 days ago."""


class AnswerLinkInvalidError(AnswerLinkError):
    """The link is not one of ours, or was changed on the way."""


def answer_url(reminder_id: int) -> str:
    """The whole address, `https://…/reminders/<token>/`, valid for 120 days from now."""
    token = _signer().sign(str(reminder_id))
    return settings.SITE_URL.rstrip("/") + reverse("answer", args=[token])


def read_answer_token(token: str) -> int:
    """The number of the ledger's row. Raises AnswerLinkExpiredError or AnswerLinkInvalidError."""
    try:
        return int(_signer().unsign(token, max_age=VALID_FOR))
    except SignatureExpired as error:
        raise AnswerLinkExpiredError("the link has expired") from error
    except (BadSignature, ValueError) as error:
        raise AnswerLinkInvalidError("the link is not one of ours") from error


def _signer() -> TimestampSigner:
    return TimestampSigner(sep=".", salt="rollout.outbox.links")  # a colon ends a link in some mail programs
