"""`rules simulate`: a draft against receipts that are past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from hub.cli.output import json_option, print_json, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.simulation import document
from loyalty_core.service.simulate import Question, simulate_rules
from loyalty_core.store.database import look

_DAY = click.DateTime(["%Y-%m-%d"])
_SUMS: Mapping[str, str] = {
    "discount": "discounts",
    "points_earned": "points earned",
    "points_worth": "worth of them",
    "given": "given in all",
    "spend": "paid with points",
    "payable": "paid with money",
    "margin": "margin",
}


@click.command()
@programme_option
@click.option("--draft", type=click.IntRange(1), required=True, help="A draft, or any version.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day: 2026-03-01.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day.")
@click.option(
    "--against",
    type=click.IntRange(1),
    help="A version to compare with.  Left out: the one that stood when each receipt was made.",
)
@json_option
def simulate(  # noqa: PLR0913 - each is a word of its own on the command line
    code: str | None,
    draft: int,
    first: datetime,
    last: datetime,
    against: int | None,
    as_json: bool,
) -> None:
    """Say what a draft would have made of the receipts of a period; nothing is booked."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    question = Question(draft, first.date(), last.date(), against)
    with progress_bar("Pricing again", "receipt") as move, look(hub.engine) as connection:
        found = document(simulate_rules(connection, programme.id, question, move))
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    click.echo(
        f"{found['receipts']} receipts for {found['amount']}, "
        f"{found['receipts_of_members']} of them by members.\n"
    )
    sides = ("was", "now", "difference")
    sums = [
        {"": title, **{side: found[side][name] for side in sides}}
        for name, title in _SUMS.items()
        if found["now"][name] is not None
    ]
    print_rows(sums, False, none="")
    click.echo()
    promotions = [
        {
            "promotion": row["id"],
            "receipts": _pair(row, "receipts"),
            "discount": _pair(row, "discount"),
            "points": _pair(row, "points"),
        }
        for row in found["promotions"]
    ]
    print_rows(promotions, False, none="No promotion applied.")
    click.echo()
    for name, verb in (("winners", "get more"), ("losers", "get less")):
        crowd = found[name]
        click.echo(f"{crowd['members']} members {verb}: {crowd['sum']} in all.")
        for one in crowd["largest"]:
            click.echo(f"  {one['member']}  {one['sum']}")


def _pair(row: Mapping[str, Any], name: str) -> str:
    return f"{row['was'][name]} → {row['now'][name]} ({row['difference'][name]})"
