"""Files that their owner alone may read: codes are worth what they give, and people are people.

They are new ones, whatever stood in their place: who had that open reads nothing of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click


@contextmanager
def open_private(place: Path) -> Iterator[IO[str]]:
    """A file of text that is there when it is whole; a terminal or a pipe is written as it is.

    Raises: click.ClickException (it cannot be made).
    """
    if place.exists() and not place.is_file():
        with place.open("w", encoding="utf-8", newline="") as there:
            yield there
        return
    number, own = _own(place)
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(number)
        own.replace(place.resolve())
    finally:
        own.unlink(missing_ok=True)


def begin_private(place: Path, head: bytes) -> IO[bytes]:
    """A file that is there from its head on, to be read and written further.

    Raises: click.ClickException (it cannot be made).
    """
    number, own = _own(place)
    file = open(number, "r+b")  # noqa: SIM115 - closed by the caller
    file.write(head)
    file.flush()
    own.replace(place.resolve())
    return file


def _own(place: Path) -> tuple[int, Path]:
    """A file beside it that nobody else may open."""
    try:
        number, own = tempfile.mkstemp(dir=place.resolve().parent, prefix=f".{place.name}.")
    except OSError as error:
        raise click.ClickException(f"{place} cannot be written: {error.strerror}.") from None
    return number, Path(own)
