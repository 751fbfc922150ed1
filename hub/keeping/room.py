"""A folder for half work, beside the place where the whole is to go.

Whoever works in one holds a lock on a file in it.  What a killed process left is not locked and
goes with the next work beside it; folders that only look alike have no such file and stay.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX, _LOCK = ".loyalty-hub-", "in-use.lock"


@contextmanager
def room_beside(place: Path) -> Iterator[Path]:
    """A folder of this process in the folder of `place`; it goes at the end, whatever happens."""
    _tidy(place.parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place.parent) as name:
        room = Path(name)
        lock = os.open(room / f"{_LOCK}.new", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Nobody sees it before it is locked.
            os.rename(room / f"{_LOCK}.new", room / _LOCK)
            yield room
        finally:
            os.close(lock)


def _tidy(folder: Path) -> None:
    for room in folder.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(room / _LOCK, os.O_WRONLY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(room, ignore_errors=True)
        except BlockingIOError:
            pass  # somebody works in it
        finally:
            os.close(lock)
