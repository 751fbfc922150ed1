"""How the command line prints: tables for people, JSON for programs, bars on terminals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from tqdm import tqdm

Row = Mapping[str, Any]

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a text for people."
)


def print_json(data: object) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_as_json))


def print_rows(rows: Sequence[Row], as_json: bool, *, none: str) -> None:
    """A table with one column for each key of the first row; `none` is said of no rows."""
    if as_json:
        print_json(list(rows))
    elif not rows:
        click.echo(none, err=True)
    else:
        _print_table([list(rows[0]), *[[_as_text(row[key]) for key in rows[0]] for row in rows]])


def print_row(row: Row, as_json: bool) -> None:
    """One thing: a line for each of its keys."""
    if as_json:
        print_json(row)
        return
    widest = max(len(key) for key in row)
    for key, value in row.items():
        click.echo(f"{key.ljust(widest)}  {_as_text(value)}".rstrip())


@contextmanager
def progress_bar(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A function of (done, total) that moves a bar on the terminal; silent elsewhere.

    The bar comes with the first step: where there was nothing to do, there is none.
    """
    bars: list[tqdm] = []

    def move(done: int, total: int) -> None:
        if not bars:
            hidden = not sys.stderr.isatty()
            bars.append(tqdm(desc=label, unit=f" {unit}", disable=hidden, leave=False))
        bars[0].total = total
        bars[0].update(done - bars[0].n)

    try:
        yield move
    finally:
        for bar in bars:
            bar.close()


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _as_text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(sorted(str(each) for each in value))
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=_as_json)
    return str(value)


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not printed as JSON")
