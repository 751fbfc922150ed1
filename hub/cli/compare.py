"""`import compare`: the old system's balances held against ours, kept by day."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from hub import import_words as words
from hub.cli.import_columns import Asked, columns_of
from hub.cli.import_file import apart
from hub.cli.output import json_option, print_json, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.cli.private_file import open_private
from hub.import_columns import Columns
from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.domain.import_columns import BALANCES
from loyalty_core.service.compare_balances import (
    BalanceComparison,
    Compared,
    Difference,
    end_of,
    outcome,
)
from loyalty_core.service.imports import Bad, Report
from loyalty_core.service.programmes import Programme
from loyalty_core.store import imports as store
from loyalty_core.store.database import read, transact
from loyalty_core.store.imports import Comparison
from loyalty_core.store.scratch import Scratch
from loyalty_core.store.tiers import count_members
from loyalty_kit.money import format_decimal

SHOWN = 20
_HEAD = ("member", "currency", "theirs", "ours", "difference")


@click.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Whose evening the file tells."
)
@click.option("--history", is_flag=True, help="Show the days that were compared.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Where all differences go.",
)
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="As of balances.")
@click.option("--mapping", "kept_as", default="default", help="As of balances.")
@click.option("--system", help="Whose the ids in the column external are.")
@click.option("--encoding", help="Of a CSV file; left out, it is found.")
@click.option("--language", type=click.Choice(words.LANGUAGES), default="en", help="Of the report.")
@programme_option
@json_option
def compare(  # noqa: PLR0913 - the command's own words
    file: Path | None,
    day: datetime | None,
    history: bool,
    out: Path | None,
    columns: tuple[str, ...],
    kept_as: str,
    system: str | None,
    encoding: str | None,
    language: str,
    code: str | None,
    as_json: bool,
) -> None:
    """Hold the old system's balances of a day against ours: a parallel run.

    Each currency of points is compared by itself, further ones where FILE tells of them.
    FILE has a balance a row, in the columns of `import balances`.  The totals are kept by day;
    --history shows whether the two come closer.  Exits with 1 if a balance differs.
    """
    if history == (file is not None):
        raise click.UsageError("Give either a FILE with --on DATE, or --history.")
    hub = open_hub()
    programme = chosen_programme(hub, code)
    if file is None:
        _history(hub, programme, as_json)
        return
    if day is None:
        raise click.UsageError("Whose evening does the file tell?  --on DATE")
    apart(file, out)
    sheet = Sheet(file, encoding)
    asked = Asked(columns, kept_as, system is not None)
    found = columns_of(hub, programme.id, BALANCES, sheet, asked)
    told = _compare(hub, programme, found, day.date(), (system, out))
    _tell(told, language, as_json)
    others = (told.totals.others or {}).values()
    if told.totals.differing or told.bad or any(one["differing"] for one in others):
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Told:
    """The totals, the first members that differ, and the first rows that could not be used."""

    totals: Comparison
    differences: list[Difference]
    bad: list[Bad]
    rejected: int


def _compare(
    hub: Hub,
    programme: Programme,
    columns: Columns,
    day: date,
    where: tuple[str | None, Path | None],
) -> _Told:
    """`where`: the system of ids, and the file for all differences."""
    system, out = where
    now, read_of = hub.clock.now(), Report()
    told: dict[str, Compared] = {}
    shown: list[Difference] = []
    bad: list[Bad] = []
    with ExitStack() as things:
        scratch = things.enter_context(closing(Scratch()))
        work = BalanceComparison(hub.plans, programme.id, scratch, system=system)
        connection = things.enter_context(read(hub.engine))
        writer = None
        if out is not None:
            writer = csv.writer(things.enter_context(open_private(out)))
            writer.writerow(_HEAD)
        with progress_bar("Reading", "row") as move:
            done = 0
            for portion in columns.portions():
                part = work.read(connection, [row for row, _ in portion])
                read_of.counts.update(part.counts)
                bad += part.bad[: max(0, SHOWN - len(bad))]
                done += len(portion)
                move(done, columns.sheet.look.about_rows)
        moment = end_of(day, ZoneInfo(programme.timezone), now)
        total = count_members(connection, programme.id)
        for currency in work.currencies(connection):
            told[currency] = Compared()
            with progress_bar(f"Comparing {currency}", "member") as move:
                for so_far in work.pages(connection, currency, moment):
                    told[currency] = so_far
                    shown += so_far.differences[: max(0, SHOWN - len(shown))]
                    if writer is not None:
                        writer.writerows(_row(one).values() for one in so_far.differences)
                    move(so_far.members, total)
    result = outcome(day, read_of, told, now)
    transact(hub.engine, lambda c: store.keep_comparison(c, programme.id, result))
    return _Told(result, shown, bad, read_of.counts["rejected"])


def _tell(found: _Told, lang: str, as_json: bool) -> None:
    told, rows = found.totals, [_row(one) for one in found.differences]
    if as_json:
        lines = [
            {"line": one.number, "code": one.code, "why": words.why(one, lang)} for one in found.bad
        ]
        said = {"rejected": found.rejected, "differences": rows, "lines": lines}
        others = {code: _figures(one) for code, one in (told.others or {}).items()}
        print_json({**_totals(told), "others": others, **said})
        return
    facts = {name: str(value) for name, value in _totals(told).items()}
    for name in ("compared", "theirs"):
        click.echo(words.sentence(name, lang, **facts))
    if told.unknown_rows:
        click.echo(
            words.sentence(
                "unknown", lang, rows=told.unknown_rows, points=format_decimal(told.unknown_points)
            )
        )
    for code, figures in (told.others or {}).items():
        click.echo(words.sentence("compared_beside", lang, currency=code, **_figures(figures)))
    if rows:
        print_rows(rows, as_json, none="")
    for one in found.bad:
        why = words.why(one, lang)
        click.echo(words.sentence("line", lang, number=one.number, why=why), err=True)


def _history(hub: Hub, programme: Programme, as_json: bool) -> None:
    with read(hub.engine) as connection:
        days = store.comparisons(connection, programme.id)
        plan = hub.plans.get(connection, programme.id, programme.rules_version)
    rows = []
    for one in days:
        rows.append({"currency": plan.main.code, **_totals(one)})
        rows += [
            {"currency": code, "day": one.day, **_figures(others)}
            for code, others in (one.others or {}).items()
        ]
    print_rows(rows, as_json, none="No day was compared.")


def _totals(one: Comparison) -> dict[str, Any]:
    return {"day": one.day, **_figures(asdict(one))}


def _figures(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: one[name] for name in ("members", "differing")},
        **{name: format_decimal(one[f"{name}_points"]) for name in ("theirs", "ours", "apart")},
        "unknown_rows": one["unknown_rows"],
        "unknown": format_decimal(one["unknown_points"]),
    }


def _row(one: Difference) -> dict[str, str]:
    figures = (one.theirs, one.ours, one.ours - one.theirs)
    told = (one.member, one.currency, *map(format_decimal, figures))
    return dict(zip(_HEAD, told, strict=True))
