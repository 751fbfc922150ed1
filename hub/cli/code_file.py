"""Files of codes: an import read in portions, with what was rejected beside it, and an export."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

import click

from hub.cli.output import print_json, print_row, progress_bar
from hub.wiring import Hub
from loyalty_core.service.import_codes import CodeImport, Line, Report
from loyalty_core.store.database import transact

PORTION = 5000
REASON = "rejected"
SHOWN = 20
"""Bad lines that are told on the terminal."""

Portion = list[tuple[Line, dict[str, str]]]
"""Lines by our words, beside what stands in the file."""


out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Where the codes go.",
)
encoding_option = click.option("--encoding", default="utf-8-sig", show_default=True)
dry_option = click.option(
    "--dry-run", "dry", is_flag=True, help="Say what would be done, and do nothing."
)
rejected_option = click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Where lines go that could not be taken, as they were, with the reason.",
)


def column_option(words: Sequence[str]) -> Callable[[Any], Any]:
    return click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="OURS=THEIRS",
        help=f"What a column is called in the file.  Ours: {', '.join(words)}.",
    )


class Rows:
    """The lines of a file under its own names of columns; `words` are ours."""

    def __init__(self, file: IO[str], columns: Sequence[str], words: Sequence[str]) -> None:
        head = file.readline()
        file.seek(0)
        self.delimiter = max(",;\t", key=head.count)
        self._reader = csv.DictReader(file, delimiter=self.delimiter, restkey=REASON, restval="")
        self.names = [name for name in self._reader.fieldnames or () if name]
        self._ours = {name.strip().casefold(): name for name in self.names}
        told = _told(columns, words)
        self._columns = {word: told.get(word, self._ours.get(word)) for word in words}
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


def bring_in_file(  # noqa: PLR0913 - the command's own words
    hub: Hub,
    way: CodeImport[Any],
    file: Path,
    words: Sequence[str],
    *,
    columns: Sequence[str],
    encoding: str,
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Bring in a file and tell what became of its lines; exits with 1 if one was not taken."""
    report = Report()
    with ExitStack() as open_files, progress_bar("Reading", "line") as move:
        source = open_files.enter_context(file.open(encoding=encoding, newline=""))
        rows = Rows(source, columns, words)
        bin_ = Rejected(rejected, rows, open_files)
        for portion in rows.portions():
            lines = [line for line, _ in portion]
            part = transact(hub.engine, partial(way.take, lines=lines))
            report.added += part.added
            report.known += part.known
            report.bad += part.bad
            bin_.take(portion, dict(part.bad))
            move(lines[-1].number, lines[-1].number)
    _tell(report, way.way.dry, as_json)
    if report.bad:
        sys.exit(1)


def write_codes(
    file: Path,
    columns: Sequence[str],
    pages: Iterable[Sequence[Mapping[str, Any]]],
    total: int,
    kind: str,
) -> None:
    """Write codes to a CSV file; `pages` of them as people see them."""
    done = 0
    with progress_bar("Writing", kind) as move, open_for_codes(file) as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        for page in pages:
            writer.writerows(page)
            done += len(page)
            move(done, total)


def open_for_codes(place: Path) -> IO[str]:
    """A new CSV file that its owner alone may read: a code is worth what it gives."""
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(number, "w", encoding="utf-8", newline="")


def _tell(report: Report, dry: bool, as_json: bool) -> None:
    added = "would_be_added" if dry else "added"
    told = {added: report.added, "known": report.known, "rejected": len(report.bad)}
    if as_json:
        print_json({**told, "lines": [{"line": at, "why": why} for at, why in report.bad]})
        return
    print_row(told, as_json)
    for number, why in report.bad[:SHOWN]:
        click.echo(f"Line {number} {why}.", err=True)
    if len(report.bad) > SHOWN:
        click.echo(f"... and {len(report.bad) - SHOWN} more; --rejected keeps them.", err=True)


def _told(columns: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    told = {}
    for one in columns:
        ours, _, theirs = one.partition("=")
        if ours not in words or not theirs:
            raise click.UsageError(f"--column {one}: write OURS=THEIRS; ours: {', '.join(words)}.")
        told[ours] = theirs
    return told
