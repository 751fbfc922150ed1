"""The CSV file of an import: read in portions, and what was rejected written beside it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import click

from loyalty_core.service.import_coupons import WORDS, Line

PORTION = 5000
REASON = "rejected"

Portion = list[tuple[Line, dict[str, str]]]
"""Lines by our words, beside what stands in the file."""


class Rows:
    """The lines of a file under its own names of columns."""

    def __init__(self, file: IO[str], columns: Sequence[str]) -> None:
        head = file.readline()
        file.seek(0)
        self.delimiter = max(",;\t", key=head.count)
        self._reader = csv.DictReader(file, delimiter=self.delimiter, restkey=REASON, restval="")
        self.names = [name for name in self._reader.fieldnames or () if name]
        self._ours = {name.strip().casefold(): name for name in self.names}
        told = _told(columns)
        self._columns = {word: told.get(word, self._ours.get(word)) for word in WORDS}
        missing = sorted(set(told.values()) - set(self.names))
        if missing:
            raise click.ClickException(f"The file has no column {', '.join(missing)}.")
        if self._columns["code"] is None:
            raise click.ClickException("The file has no column code; name it: --column code=...")

    def portions(self) -> Iterator[Portion]:
        portion: Portion = []
        for row in self._reader:
            told = {name: str(row.get(name) or "") for name in self.names}
            words = {
                word: told[name].strip() for word, name in self._columns.items() if name is not None
            }
            portion.append((Line(self._reader.line_num, words), told))
            if len(portion) == PORTION:
                yield portion
                portion = []
        if portion:
            yield portion


class Rejected:
    """Lines that could not be taken, as they were, with the reason."""

    def __init__(self, place: Path | None, rows: Rows, open_files: ExitStack) -> None:
        self._writer: csv.DictWriter[str] | None = None
        if place is not None:
            file = open_files.enter_context(open_for_codes(place))
            self._writer = csv.DictWriter(file, [*rows.names, REASON], delimiter=rows.delimiter)
            self._writer.writeheader()

    def take(self, portion: Portion, why: Mapping[int, str]) -> None:
        if self._writer is None:
            return
        for line, told in portion:
            if line.number in why:
                self._writer.writerow({**told, REASON: why[line.number]})


def open_for_codes(place: Path) -> IO[str]:
    """A new CSV file that its owner alone may read: a code is worth what it gives."""
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(number, "w", encoding="utf-8", newline="")


def _told(columns: Sequence[str]) -> dict[str, str]:
    told = {}
    for one in columns:
        ours, _, theirs = one.partition("=")
        if ours not in WORDS or not theirs:
            raise click.UsageError(f"--column {one}: write OURS=THEIRS; ours: {', '.join(WORDS)}.")
        told[ours] = theirs
    return told
