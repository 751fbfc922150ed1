"""`partners`: other companies in the programme, and what each side owes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from hub.cli.output import json_option, print_json, print_row, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.settlement import document, partner
from loyalty_core.service import partners as service
from loyalty_core.service.partners import PartnerView, PointPrice, Terms
from loyalty_core.store.audit import COMMAND_LINE
from loyalty_core.store.database import look, read, transact
from loyalty_kit.money import HUNDREDTHS, format_decimal, parse_decimal

_DAY = click.DateTime(["%Y-%m-%d"])


class Priced(click.ParamType[PointPrice]):
    """Money for a whole point, as `points=0.50`."""

    name = "price"

    def convert(self, value: Any, param: Any, ctx: Any) -> PointPrice:
        currency, _, price = str(value).partition("=")
        try:
            minor = parse_decimal(price, HUNDREDTHS)
        except ValueError:
            minor = -1
        if not currency or minor < 0:
            self.fail(f"{value!r} is not a price like points=0.50.", param, ctx)
        return PointPrice(currency, minor)


@click.group()
def partners() -> None:
    """Partners: other companies in the programme."""


@partners.command("list")
@programme_option
@json_option
def show(code: str | None, as_json: bool) -> None:
    """List the partners with their shops and prices."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        found = service.list_partners(connection, programme.id)
    if as_json:
        print_json([partner(one) for one in found])
    else:
        print_rows([_row(one) for one in found], as_json, none="No partners.")


@partners.command("set")
@click.argument("name", metavar="PARTNER")
@click.option("--name", "title", help="What people see; left out, its code.")
@click.option("--shop", "shops", multiple=True, help="A shop that is the partner's.")
@click.option(
    "--price",
    "prices",
    multiple=True,
    type=Priced(),
    metavar="CURRENCY=MONEY",
    help="What it owes for a point earned at its shops: points=0.50",
)
@programme_option
@json_option
def put(  # noqa: PLR0913 - the command's own words
    name: str,
    title: str | None,
    shops: tuple[str, ...],
    prices: tuple[PointPrice, ...],
    code: str | None,
    as_json: bool,
) -> None:
    """Make a partner, or put these terms in the place of all that it has."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    terms = Terms(title, shops, prices)
    made = transact(
        hub.engine,
        lambda connection: service.set_partner(
            connection,
            hub.plans,
            programme.id,
            name,
            terms,
            author=COMMAND_LINE,
            now=hub.clock.now(),
        ),
    )
    print_row(partner(made) if as_json else _row(made), as_json)


@partners.command()
@click.argument("name", metavar="PARTNER")
@click.option("--from", "first", type=_DAY, required=True, help="The first day: 2026-03-01.")
@click.option("--until", "last", type=_DAY, required=True, help="The last day.")
@programme_option
@json_option
def settlement(name: str, first: datetime, last: datetime, code: str | None, as_json: bool) -> None:
    """Say what is booked of a partner in whole days, and what each side owes for it."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with look(hub.engine) as connection:
        found = document(service.settle(connection, programme.id, name, first.date(), last.date()))
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    click.echo(f"{found['name']}, {found['from']} to {found['until']}, in {found['currency']}.\n")
    print_rows(found["points"], False, none="No points were earned or spent there.")
    click.echo()
    print_rows(found["rewards"], False, none="No rewards were handed out.")
    click.echo(f"\nThe partner owes {found['partner_owes']}.")
    click.echo(f"The programme owes {found['programme_owes']}.")


def _row(view: PartnerView) -> dict[str, Any]:
    prices = [f"{one.currency}={format_decimal(one.price_minor)}" for one in view.prices]
    return {
        "code": view.code,
        "name": view.name,
        "shops": ", ".join(view.shops),
        "prices": ", ".join(prices),
    }
