"""What no log and no reader of the ledger may see: links by which their holder acts for somebody."""

import logging
import re

_SECRET = re.compile(r"((?<!/api/v1)/reminders/|[?&]token=)[^/&\s\"'<>]+")


def hide_links(text: str) -> str:
    """The text with `…` for what makes a link to answer by, or to a calendar, more than an address."""
    return _SECRET.sub(r"\1…", text)


class HideLinks(logging.Filter):
    """Writes `/reminders/…/` for the link of any mail; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the message together, without the link."""
        message = record.getMessage()
        hidden = hide_links(message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
