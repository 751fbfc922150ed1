"""`ledger`: prove the books, and rebuild what is derived from them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from hub.cli.output import json_option, print_json, print_row, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub
from hub.wiring import Hub
from loyalty_core.service.verify_ledger import (
    Finding,
    count_accounts,
    rebuild_ledger,
    verify_ledger,
)
from loyalty_core.store import partitions
from loyalty_core.store.database import read, write

some_programme = click.option(
    "--programme", "code", metavar="CODE", help="Left out: all programmes."
)


@click.group()
def ledger() -> None:
    """Prove the books of points, and rebuild what is derived from them."""


@ledger.command()
@some_programme
@json_option
def verify(code: str | None, as_json: bool) -> None:
    """Check that balances, entries and lots agree; exits with 1 if anything does not."""
    hub = open_hub()
    programme_id = _programme_id(hub, code)
    with progress_bar("Checking", "account") as move, read(hub.engine) as connection:
        progress = _steps(move, count_accounts(connection, programme_id))
        findings = verify_ledger(connection, programme_id=programme_id, progress=progress)
    _print(findings, as_json)
    if findings:
        sys.exit(1)


@ledger.command()
@some_programme
@json_option
def rebuild(code: str | None, as_json: bool) -> None:
    """Make balances and lots anew by replaying what was booked."""
    hub = open_hub()
    programme_id = _programme_id(hub, code)
    with progress_bar("Replaying", "account") as move, write(hub.engine) as connection:
        progress = _steps(move, count_accounts(connection, programme_id))
        changed = rebuild_ledger(connection, programme_id=programme_id, progress=progress)
    print_row({"changed": changed}, as_json)


@ledger.command()
@click.option(
    "--parts",
    type=click.IntRange(2, partitions.MOST),
    default=16,
    show_default=True,
    help="How many; they cannot be changed by this command later.",
)
@click.option("--apply", is_flag=True, help="Do it.  Left out: only say what would be done.")
@json_option
def partition(parts: int, apply: bool, as_json: bool) -> None:
    """Spread the ledger's tables over hash partitions by member; PostgreSQL only.

    All rows are copied in one transaction, in which nobody else reads or writes points: stop
    the hub first.  docs/scale.md says when it is worth while.
    """
    hub = open_hub()
    try:
        if apply:
            with write(hub.engine) as connection:
                tables = partitions.partition(connection, parts)
        else:
            with read(hub.engine) as connection:
                tables = partitions.survey(connection)
    except partitions.CannotPartition as error:
        raise click.ClickException(str(error)) from None
    _tell_parts(tables, parts, apply, as_json)


def _tell_parts(tables: list[partitions.Part], parts: int, applied: bool, as_json: bool) -> None:
    rows = [{"table": one.table, "rows": one.rows, "bytes": one.size_bytes} for one in tables]
    if as_json:
        print_json({"applied": applied, "partitions": parts, "tables": rows})
        return
    print_rows(rows, as_json, none="")
    if applied:
        click.echo(f"Each table has {parts} partitions now.")
    else:
        click.echo(
            f"Would copy these rows into {parts} partitions of each table; needs that many bytes "
            "free on the database's disk.  --apply does it."
        )


def _steps(move: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    """Counts what is told step by step, since the bar wants "so many of all"."""
    steps: list[int] = []

    def step(count: int) -> None:
        steps.append(count)
        move(sum(steps), total)

    return step


def _programme_id(hub: Hub, code: str | None) -> int | None:
    return None if code is None else chosen_programme(hub, code).id


def _print(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json({"findings": [_as_row(finding) for finding in findings]})
        return
    for finding in findings:
        click.echo(f"{finding.member} {finding.currency}: {finding.code}: {finding.text}")
    if not findings:
        click.echo("The books agree.")


def _as_row(finding: Finding) -> dict[str, Any]:
    return {
        "member": finding.member,
        "currency": finding.currency,
        "code": finding.code,
        "text": finding.text,
    }
