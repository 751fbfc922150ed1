"""What an import writes beside the file that it reads: the rows that were not taken."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import click

from hub.cli.private_file import begin_private
from hub.sheets import Sheet, guarded

REASON = "rejected"


def apart(file: Path, out: Path | None) -> None:
    """Raises: click.UsageError, where what is read would be written over."""
    if out is not None and out.exists() and out.samefile(file):
        raise click.UsageError(
            f"{out.name} is the file that is read; give the other a name of its own."
        )


class RejectFile:
    """Rows that could not be taken, as they were, with the reason; for their owner alone.

    `resume_at`: what a run that was cut off has written and kept ends there.
    """

    def __init__(self, path: Path | None, sheet: Sheet, resume_at: int = 0) -> None:
        self._file: IO[bytes] | None = None
        self._delimiter = sheet.delimiter
        # A file of rejected rows that is brought in has a column of reasons already.
        self._width = len(sheet.names) - (sheet.names[-1] == REASON)
        self._beyond = len(sheet.names)
        if path is None:
            return
        head = self._text([[*sheet.names[: self._width], REASON]])
        self._file = self._resumed(path, head, resume_at) or begin_private(path, head)
        self._kept = self._file.tell()

    def put(self, rows: Sequence[tuple[Sequence[str], str]]) -> int:
        """Rows with why they were rejected, in the place of those that were put since the last
        `settle`; gives where the file ends."""
        if self._file is None:
            return 0
        self._end_at(self._kept)
        self._file.write(self._text(self._row(cells, why) for cells, why in rows))
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def settle(self) -> None:
        """What was put stays."""
        if self._file is not None:
            self._kept = self._file.tell()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _row(self, cells: Sequence[str], why: str) -> list[str]:
        """The reason stands under its heading, and what has no heading behind it."""
        own = [*cells[: self._width], *[""] * (self._width - len(cells))]
        return [*own, why, *cells[self._beyond :]]

    def _resumed(self, path: Path, head: bytes, resume_at: int) -> IO[bytes] | None:
        """The file of the run that was cut off, if it is there."""
        if not (resume_at >= len(head) and path.is_file()):
            return None
        file = path.open("r+b")
        if file.read(len(head)) != head or file.seek(0, os.SEEK_END) < resume_at:
            file.close()
            return None
        os.fchmod(file.fileno(), 0o600)
        file.seek(resume_at)
        file.truncate()
        return file

    def _end_at(self, place: int) -> None:
        assert self._file is not None
        self._file.seek(place)
        self._file.truncate()

    def _text(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self._delimiter)
        writer.writerows([guarded(cell) for cell in row] for row in rows)
        return text.getvalue().encode("utf-8")
