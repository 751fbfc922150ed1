"""`installations`: shops and tills of vendors, connected to a programme."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click
from marshmallow import ValidationError

from hub.cli.faults import fields
from hub.cli.output import json_option, print_row, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.connections.backfilling import midnight, see_through
from hub.connections.health import as_document, health_of
from hub.connections.shop import look
from hub.ingest import backfill
from hub.installations import (
    InstallationNotFound,
    InstallationView,
    check_installation,
    create_installation,
    get_installation,
    installation_row,
    list_installations,
    pull_installation,
    set_state,
    show_balances,
    update_settings,
)
from hub.wiring import Hub
from loyalty_core.store.audit import COMMAND_LINE

set_option = click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the connector; may be given many times.  NAME=@FILE reads a file.",
)


@click.group()
def installations() -> None:
    """Shops and tills of vendors, connected to a programme."""


@installations.command()
@click.argument("connector")
@programme_option
@click.option("--name", required=True, help="What people see; unique in the programme.")
@set_option
@json_option
def create(
    connector: str, code: str | None, name: str, pairs: tuple[str, ...], as_json: bool
) -> None:
    """Connect a shop through CONNECTOR (see `connectors list`).

    The answer tells the path of its webhook, to be entered at the vendor's side.
    """
    settings = _settings(pairs)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    try:
        made = create_installation(
            hub, programme_id=programme.id, connector=connector, name=name, settings=settings
        )
    except ValidationError as error:
        raise _wrong_settings(error) from None
    print_row({"id": made.id, "name": made.name, "hook": _hook(made)}, as_json)


@installations.command("list")
@click.option("--programme", "code", metavar="CODE", help="Left out: of all programmes.")
@json_option
def show(code: str | None, as_json: bool) -> None:
    """List what is connected."""
    hub = open_hub()
    programme_id = None if code is None else chosen_programme(hub, code).id
    rows = [_as_row(view) for view in list_installations(hub, programme_id)]
    none = "Nothing is connected.  Connect a shop: loyalty-hub installations create CONNECTOR"
    print_rows(rows, as_json, none=none)


@installations.command("set")
@click.argument("installation", metavar="ID")
@set_option
@click.option(
    "--state",
    type=click.Choice(["active", "paused"]),
    help="Of a paused one deliveries are kept and not worked on.",
)
@click.option(
    "--balances",
    type=click.Choice(["on", "off"]),
    help="Whether members' balances are shown in the shop, where its connector can.",
)
@json_option
def change(
    installation: str,
    pairs: tuple[str, ...],
    state: str | None,
    balances: str | None,
    as_json: bool,
) -> None:
    """Change settings (others stay) or the state of an installation."""
    settings = _settings(pairs)
    hub = open_hub()
    try:
        if settings:
            update_settings(hub, installation, settings)
    except ValidationError as error:
        raise _wrong_settings(error) from None
    if state is not None:
        set_state(hub, installation, state)
    if balances is not None:
        show_balances(hub, installation, balances == "on")
    print_row(_as_row(get_installation(hub, installation)), as_json)


@installations.command()
@click.argument("installation", metavar="ID")
@json_option
def check(installation: str, as_json: bool) -> None:
    """Call the shop with the stored settings and say whether it answers as it should."""
    hub = open_hub()
    check_installation(hub, installation)
    print_row(_as_row(get_installation(hub, installation)), as_json)


@installations.command()
@click.argument("installation", metavar="ID")
@json_option
def pull(installation: str, as_json: bool) -> None:
    """Ask the shop now for what changed since the last time, and book it."""
    hub = open_hub()
    with progress_bar("Asking the shop", "document") as progress:
        seen = pull_installation(hub, installation, progress)
    print_row({"id": installation, "documents": seen}, as_json)


@installations.command("backfill")
@click.argument("installation", metavar="NAME")
@click.option(
    "--since",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day from which on changes are looked for, in the programme's zone.",
)
@click.option("--dry-run", "dry", is_flag=True, help="Count the documents; book nothing.")
@json_option
def fill_back(installation: str, since: datetime, dry: bool, as_json: bool) -> None:
    """Bring in what the connection NAME sold since a day.

    What is known already is not booked twice, and what comes live goes on.  Cut off, it goes on
    by the workers, or by the same command.
    """
    hub = open_hub()
    view = _named(hub, installation)
    row = installation_row(hub, view.id)
    begin = midnight(hub, view.programme_id, since.date())
    backfill.start(hub, row, begin, dry=dry, author=COMMAND_LINE)
    label = "Counting" if dry else "Back-fill"
    with progress_bar(label, "document") as move:
        ended = see_through(hub, row, lambda now: move(now.done, now.row.total))
    told = {
        "id": view.id,
        "stage": ended.row.stage,
        "documents": ended.row.total,
        "booked": 0 if dry else ended.done,
        "waiting": ended.waiting,
    }
    if ended.row.error_code is not None:
        raise click.ClickException(
            f"{ended.row.error_code}: {ended.row.error_text}  Workers go on with it."
        )
    if not ended.is_over:
        raise click.ClickException(
            "The connection is paused.  Workers go on with it once it is resumed "
            "(installations set ID --state active)."
        )
    print_row(told, as_json)


@installations.command()
@click.argument("installation", metavar="NAME")
@click.option("--shop", is_flag=True, help="Ask the shop as well: its clock, limits, webhooks.")
@json_option
def health(installation: str, shop: bool, as_json: bool) -> None:
    """Say how a connection fares (its NAME or ID), and what to do about it."""
    hub = open_hub()
    view = _named(hub, installation)
    side = look(hub, installation_row(hub, view.id)) if shop else None
    told = as_document(health_of(hub, view), side, "en")
    print_row(told if as_json else {**told, "advice": _sentences(told)}, as_json)


def _sentences(told: Mapping[str, Any]) -> str:
    return " ".join(one["text"] for one in told["advice"])


def _named(hub: Hub, text: str) -> InstallationView:
    """Raises: InstallationNotFound, click.UsageError (several have this name)."""
    found = [one for one in list_installations(hub) if text in (one.id, one.name)]
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise click.UsageError(f"Several connections are called so; name one by its ID: {ids}")
    if not found:
        raise InstallationNotFound
    return found[0]


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"--set takes NAME=VALUE, not {name!r}.")
        settings[name.strip()] = _from_file(value[1:]) if value.startswith("@") else value
    return settings


def _from_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"The file {path!r} cannot be read: {error}") from None


def _wrong_settings(error: ValidationError) -> click.ClickException:
    told: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    messages = {str(name): texts for name, texts in told.items()}
    return click.ClickException(f"Wrong settings: {fields(messages)}")


def _hook(view: InstallationView) -> str | None:
    return next(iter(view.hooks.values()), None)


def _as_row(view: InstallationView) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "connector": view.connector,
        "state": view.state,
        "hook": _hook(view),
        "trouble": view.trouble_text,
        "balances": {None: None, True: "on", False: "off"}[view.shows_balances],
    }
