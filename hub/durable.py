"""Files that outlive a loss of power as soon as they have their name (fsync(2), NOTES)."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(place: Path, text: str) -> None:
    """A new file that its owner alone may read, on the disk when this returns.

    Raises: FileExistsError, OSError.
    """
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def take_place(own: Path, place: Path) -> None:
    """Give a file that is on the disk its name, in the place of whatever has it."""
    os.replace(own, place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """What has a name in this folder keeps it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
