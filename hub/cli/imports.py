"""`import`: a loyalty base moves in, with what members have; and how it agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hub.cli.certificates import bring_in as certificates
from hub.cli.compare import compare
from hub.cli.coupons import bring_in as coupons
from hub.cli.import_run import Said, bring_in, short_name
from hub.cli.output import json_option, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.import_columns import DEFAULT
from hub.import_words import LANGUAGES
from loyalty_core.domain.import_columns import BALANCES, MEMBERS, PURCHASES, WORDS
from loyalty_core.store import imports as store
from loyalty_core.store.database import read


@click.group("import")
def imports() -> None:
    """Bring in what another system has.

    The same command again goes on where it was cut off; a file that comes once more, or mended,
    brings in what is missing.
    """


imports.add_command(coupons)
imports.add_command(certificates)
imports.add_command(compare)


def _file_options(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    ours = ", ".join(WORDS[kind]) + (", attr.NAME for your own" if kind == MEMBERS else "")
    options = (
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option(
            "--name", callback=short_name, help="Of this import; left out, that of the file."
        ),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="OURS=THEIRS",
            help=f"What a column is called in the file.  Ours: {ours}.",
        ),
        click.option(
            "--without",
            multiple=True,
            metavar="THEIRS",
            help="A column of the file that is not to be used.",
        ),
        click.option(
            "--mapping",
            "kept_as",
            default=DEFAULT,
            show_default=True,
            help="The name under which what --column said is kept for the next file.",
        ),
        click.option("--system", help="Whose the ids in the column external are."),
        click.option("--encoding", help="Of a CSV file; left out, it is found."),
        click.option(
            "--dry-run", "dry", is_flag=True, help="Say what would be done, and do nothing."
        ),
        click.option(
            "--rejected",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE.csv",
            help="Where rows go that could not be taken, as they were, with the reason.",
        ),
        click.option(
            "--besides",
            is_flag=True,
            help="Of another base: what it has comes on top of what other imports brought in.",
        ),
        click.option(
            "--language", type=click.Choice(LANGUAGES), default="en", help="Of the report."
        ),
        programme_option,
        json_option,
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@imports.command()
@_file_options(MEMBERS)
def members(code: str | None, **said: Any) -> None:
    """Bring in members from a CSV or XLSX file; of known ones what is blank is filled in.

    Exits with 1 if a row could not be taken.
    """
    bring_in(MEMBERS, code, Said(**said))


@imports.command()
@_file_options(BALANCES)
def balances(code: str | None, **said: Any) -> None:
    """Bring in points of members who are there, each row a lot with its own dates.

    Exits with 1 if a row could not be taken.
    """
    bring_in(BALANCES, code, Said(**said))


@imports.command()
@_file_options(PURCHASES)
def purchases(code: str | None, **said: Any) -> None:
    """Bring in receipts of before, a row a line; they count for tiers and move no points.

    Exits with 1 if a row could not be taken.
    """
    bring_in(PURCHASES, code, Said(**said))


@imports.command("list")
@programme_option
@json_option
def list_imports(code: str | None, as_json: bool) -> None:
    """List what was brought in, and how far what was cut off has come."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [
            {
                "kind": one.kind,
                "name": one.name,
                "state": one.state,
                "rows": one.position,
                "rejected": one.counts.get("rejected", 0),
                "changed_at": one.changed_at,
            }
            for one in store.all_imports(connection, programme.id)
        ]
    print_rows(rows, as_json, none="Nothing was brought in.")
