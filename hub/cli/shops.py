"""`shops`: made, listed, changed."""

from __future__ import annotations

import json
from typing import Any

import click

from hub.cli.output import json_option, print_row, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from loyalty_core.service.shops import NewShop, Shop, create_shop, list_shops, set_shop
from loyalty_core.store.database import read, transact


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object, as `{"till": "7"}`."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, Any]:
        try:
            loaded = value if isinstance(value, dict) else json.loads(value)
        except ValueError:
            loaded = None
        if not isinstance(loaded, dict):
            self.fail("Not a JSON object.", param, ctx)
        return loaded


@click.group()
def shops() -> None:
    """Shops of a programme."""


@shops.command()
@click.argument("shop")
@programme_option
@click.option("--name", help="What people see; left out, its code.")
@click.option("--timezone", help="Left out, the programme's.")
@click.option("--vendor", type=JsonObject(), help="What connections keep about it, as JSON.")
@json_option
def create(shop: str, code: str | None, as_json: bool, **rest: Any) -> None:
    """Add a shop with the code SHOP."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    new = NewShop(shop, rest["name"], rest["timezone"], rest["vendor"] or {})
    made = transact(
        hub.engine,
        lambda connection: create_shop(connection, programme.id, new, now=hub.clock.now()),
    )
    print_row(_as_row(made), as_json)


@shops.command("list")
@programme_option
@json_option
def show(code: str | None, as_json: bool) -> None:
    """List the shops."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [_as_row(shop) for shop in list_shops(connection, programme.id)]
    print_rows(rows, as_json, none="No shops.")


@shops.command("set")
@click.argument("shop")
@programme_option
@click.option("--name", help="What people see.")
@click.option("--timezone", help="Empty (''): the programme's.")
@click.option("--vendor", type=JsonObject(), help="What connections keep about it, as JSON.")
@json_option
def change(shop: str, code: str | None, as_json: bool, **rest: Any) -> None:
    """Change the shop with the code SHOP."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    changes = {name: value for name, value in rest.items() if value is not None}
    if changes.get("timezone") == "":
        changes["timezone"] = None
    changed = transact(
        hub.engine, lambda connection: set_shop(connection, programme.id, shop, changes)
    )
    print_row(_as_row(changed), as_json)


def _as_row(shop: Shop) -> dict[str, Any]:
    return {
        "code": shop.code,
        "name": shop.name,
        "timezone": shop.timezone,
        "vendor": dict(shop.vendor),
    }
