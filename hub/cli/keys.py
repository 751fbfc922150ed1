"""`keys`: API keys of a programme."""

from __future__ import annotations

from typing import Any

import click

from hub.cli.output import json_option, print_json, print_rows
from hub.cli.place import chosen_programme, open_hub, programme_option
from loyalty_core.service.api_keys import SCOPES, WIRE, ApiKey, create_key, list_keys, revoke_key
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, to_wire


@click.group()
def keys() -> None:
    """API keys, each of one programme."""


@keys.command()
@programme_option
@click.option("--name", required=True, help="Becomes the source of the events that it sends.")
@click.option("--scopes", required=True, metavar="A,B", help=f"Of: {', '.join(SCOPES)}.")
@click.option("--shops", metavar="A,B", help="Codes of shops that bind it; left out, all.")
@click.option("--channels", metavar="A,B", help="Channels that it proves, and is bound to.")
@json_option
def create(  # noqa: PLR0913 - one for each option
    name: str,
    scopes: str,
    shops: str | None,
    channels: str | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Make a key and print it: this once, it is stored nowhere."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    made = transact(
        hub.engine,
        lambda connection: create_key(
            connection,
            programme_id=programme.id,
            name=name,
            scopes=_words(scopes),
            shops=None if shops is None else _words(shops),
            channels=None if channels is None else _words(channels),
            now=hub.clock.now(),
        ),
    )
    if as_json:
        print_json({"id": to_wire(WIRE, made.id), "key": made.key})
    else:
        click.echo(made.key)
        click.echo("Keep it: it is not shown again.", err=True)


@keys.command("list")
@programme_option
@json_option
def show(code: str | None, as_json: bool) -> None:
    """List the keys, revoked ones too; their texts are not known."""
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        rows = [_as_row(key) for key in list_keys(connection, programme.id)]
    print_rows(rows, as_json, none="No keys.  Make one: loyalty-hub keys create")


@keys.command()
@click.argument("key_id", metavar="ID")
@programme_option
@json_option
def revoke(key_id: str, code: str | None, as_json: bool) -> None:
    """Refuse the key with this ID (k_..., see `keys list`) from now on, within five seconds."""
    number = from_wire(WIRE, key_id)
    if number is None:
        raise click.UsageError("An ID of a key looks like k_4f9x...; `keys list` shows them.")
    hub = open_hub()
    programme = chosen_programme(hub, code)
    revoked = transact(
        hub.engine,
        lambda connection: revoke_key(connection, programme.id, number, now=hub.clock.now()),
    )
    print_rows([_as_row(revoked)], as_json, none="")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _as_row(key: ApiKey) -> dict[str, Any]:
    return {
        "id": to_wire(WIRE, key.id),
        "name": key.name,
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "shops": None if key.shops is None else sorted(key.shops),
        "channels": None if key.channels is None else sorted(key.channels),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
