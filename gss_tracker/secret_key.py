"""The secret key of an embedded installation: made once, kept in `var/`, readable by its owner alone."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def read_or_make_secret_key(folder: Path, *, allowed: bool) -> str:
    """The key in `folder`, made on the first call; an error where a generated key is not `allowed`."""
    if not allowed:
        raise ImproperlyConfigured("Set SECRET_KEY: it is generated only when the product runs embedded.")
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        _write_once(path, get_random_secret_key())
    return path.read_text()


def _write_once(path: Path, text: str) -> None:
    """Write a whole file or nothing; of two processes at once, the first one wins."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # readable by the owner alone
        file.write(text)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
