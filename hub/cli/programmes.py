"""`programmes`: made, listed, changed."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import Connection

from hub.cli.options import DEFAULTS, given, life, rule_options, with_options
from hub.cli.output import json_option, print_row, print_rows
from hub.cli.place import open_hub
from hub.wiring import Hub
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import (
    Programme,
    create_programme,
    draft_rules,
    get_programme,
    get_rules,
    list_programmes,
    publish_rules,
    set_programme,
)
from loyalty_core.store.database import read, transact

AUTHOR = "command line"


@click.group()
def programmes() -> None:
    """Loyalty programmes."""


@programmes.command()
@click.argument("code")
@click.option("--name", help="What people see; left out, the code.")
@click.option("--timezone", default="Europe/Moscow", show_default=True, help="Its days end there.")
@click.option("--currency", default="RUB", show_default=True, help="Of its money.")
@rule_options
@json_option
def create(code: str, name: str | None, timezone: str, currency: str, **rest: Any) -> None:
    """Make a programme CODE with a shop `main` and a plain set of rules.

    Left out, options are: 5 % earned, 30 % payable with points, rounding down, spendable at
    once, expiring after 365 days, clamp.
    """
    as_json = rest.pop("as_json")
    options = {**DEFAULTS, **given(rest)}
    options["point_life_days"] = life(options["point_life_days"])
    hub = open_hub()
    made = transact(
        hub.engine,
        lambda connection: create_programme(
            connection,
            code=code,
            name=name,
            timezone=timezone,
            currency=currency,
            document=default_rules(**options),
            author=AUTHOR,
            now=hub.clock.now(),
        ),
    )
    print_row(_as_row(made), as_json)


@programmes.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the programmes."""
    hub = open_hub()
    with read(hub.engine) as connection:
        rows = [_as_row(programme) for programme in list_programmes(connection)]
    print_rows(rows, as_json, none="No programmes.  Make one: loyalty-hub programmes create CODE")


@programmes.command("set")
@click.argument("code")
@click.option("--name", help="What people see.")
@click.option("--timezone", help="Where its days end.")
@rule_options
@json_option
def change(code: str, name: str | None, timezone: str | None, **rest: Any) -> None:
    """Change the programme CODE.  A changed rule is a new version of its rules, in force at once.

    What was booked stays as it was booked.
    """
    as_json = rest.pop("as_json")
    hub = open_hub()

    def work(connection: Connection) -> Programme:
        set_programme(connection, code, name=name, timezone=timezone)
        _change_rules(hub, connection, code, given(rest))
        return get_programme(connection, code)

    print_row(_as_row(transact(hub.engine, work)), as_json)


def _change_rules(hub: Hub, connection: Connection, code: str, options: dict[str, Any]) -> None:
    programme = get_programme(connection, code)
    document = get_rules(connection, programme.id)
    wanted = with_options(document, options)
    if wanted == document:
        return
    now = hub.clock.now()
    draft = draft_rules(connection, programme.id, wanted, author=AUTHOR, now=now)
    publish_rules(connection, programme.id, draft, author=AUTHOR, now=now)


def _as_row(programme: Programme) -> dict[str, Any]:
    return {
        "code": programme.code,
        "name": programme.name,
        "currency": programme.currency,
        "timezone": programme.timezone,
        "rules_version": programme.rules_version,
    }
