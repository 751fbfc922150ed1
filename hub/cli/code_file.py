"""Files of codes: an import read in portions, with what was rejected beside it, and an export."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click

from hub.cli.import_file import RejectFile, apart
from hub.cli.output import print_json, print_row, progress_bar
from hub.cli.private_file import open_private
from hub.sheets import Rows, Sheet, guarded
from hub.wiring import Hub
from loyalty_core.service.import_codes import CodeImport, Report
from loyalty_core.store.database import transact

SHOWN = 20
"""Bad lines that are told on the terminal."""

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Where the codes go.",
)
encoding_option = click.option("--encoding", help="Of a CSV file; left out, it is found.")
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


def bring_in_file(  # noqa: PLR0913 - the command's own words
    hub: Hub,
    way: CodeImport[Any],
    file: Path,
    words: Sequence[str],
    *,
    columns: Sequence[str],
    encoding: str | None,
    rejected: Path | None,
    as_json: bool,
) -> None:
    """Bring in a file and tell what became of its lines; exits with 1 if one was not taken."""
    report = Report()
    apart(file, rejected)
    sheet = Sheet(file, encoding)
    rows, done = Rows(sheet, words, told=_told(columns, words)), 0
    with closing(RejectFile(rejected, sheet)) as bin_, progress_bar("Reading", "line") as move:
        for portion in rows.portions():
            lines = [line for line, _ in portion]
            part = transact(hub.engine, partial(way.take, lines=lines))
            report.added += part.added
            report.known += part.known
            report.bad += part.bad
            why = dict(part.bad)
            bin_.put([(cells, why[at.number]) for at, cells in portion if at.number in why])
            bin_.settle()
            done += len(portion)
            move(done, max(done, sheet.look.about_rows))
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
    """Write codes to a CSV file; `pages` of them as people see them.

    Codes and names may have come from anywhere: no cell is a formula to a spreadsheet.
    """
    done = 0
    with progress_bar("Writing", kind) as move, open_private(file) as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        for page in pages:
            writer.writerows(_cells(row, columns) for row in page)
            done += len(page)
            move(done, total)


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    values = (row.get(column) for column in columns)
    return [guarded("" if value is None else str(value)) for value in values]


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
