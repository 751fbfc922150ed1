"""`deliveries`: calls of shops as they arrived, what became of them, and another try."""

from __future__ import annotations

from typing import Any

import click

from hub.cli.output import json_option, print_json, print_row, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.deliveries import (
    STATES,
    DeliveryView,
    list_deliveries,
    replay_delivery,
    show_delivery,
)
from hub.installations import installation_row
from hub.wiring import Hub

_PAGE = 200


@click.group()
def deliveries() -> None:
    """Calls of shops as they arrived, and what became of them."""


@deliveries.command("list")
@programme_option
@click.option("--installation", metavar="ID", help="Only of this one (i_...).")
@click.option("--state", type=click.Choice(STATES), help="`dead` ones wait for a person.")
@click.option("--after", metavar="ID", help="Go on after this delivery.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
def show_list(code: str | None, installation: str | None, as_json: bool, **rest: Any) -> None:
    """List deliveries, the newest first."""
    hub = open_hub()
    programme_id = _programme(hub, installation, code)
    if rest["after"] is not None:
        show_delivery(hub, rest["after"])
    page = list_deliveries(hub, installation_id=installation, programme_id=programme_id, **rest)
    print_rows([_as_row(view) for view in page.items], as_json, none="No deliveries.")


@deliveries.command()
@click.argument("delivery", metavar="ID")
@json_option
def show(delivery: str, as_json: bool) -> None:
    """Show a delivery with its body; what may be personal is masked."""
    found = show_delivery(open_hub(), delivery)
    row = {
        **_as_row(found.view),
        "result": found.view.result,
        "headers": dict(found.headers),
        "emptied_at": found.emptied_at,
    }
    if as_json:
        print_json({**row, "body": found.body})
        return
    print_row(row, as_json=False)
    kept = found.body if found.emptied_at is None else "What came is no longer kept."
    click.echo(f"\n{kept}")


@deliveries.command()
@click.argument("delivery_ids", metavar="[ID]...", nargs=-1)
@click.option("--dead", is_flag=True, help="All that are dead, of --installation or --programme.")
@click.option("--installation", metavar="ID", help="With --dead: only of this one.")
@programme_option
@json_option
def replay(
    delivery_ids: tuple[str, ...],
    dead: bool,
    installation: str | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Work on deliveries once more; what is booked already is not booked twice.

    A running hub takes them up within half a minute.
    """
    if dead == bool(delivery_ids):
        raise click.UsageError("Give either IDs or --dead.")
    hub = open_hub()
    wanted = list(delivery_ids) or _dead(hub, installation, code)
    with progress_bar("Replaying", "delivery") as progress:
        rows = []
        for done, delivery in enumerate(wanted, start=1):
            rows.append(_as_row(replay_delivery(hub, delivery)))
            progress(done, len(wanted))
    print_rows(rows, as_json, none="Nothing to replay.")


def _programme(hub: Hub, installation: str | None, code: str | None) -> int | None:
    """None: that of the installation.  Raises: InstallationNotFound, as `chosen_programme`."""
    if installation is not None:
        installation_row(hub, installation)
        if code is None:
            return None
    return chosen_programme(hub, code).id


def _dead(hub: Hub, installation: str | None, code: str | None) -> list[str]:
    programme_id = _programme(hub, installation, code)
    found: list[str] = []
    after: str | None = None
    while True:
        page = list_deliveries(
            hub,
            installation_id=installation,
            programme_id=programme_id,
            state="dead",
            after=after,
            limit=_PAGE,
        )
        found += [view.id for view in page.items]
        after = page.next_cursor
        if after is None:
            return found


def _as_row(view: DeliveryView) -> dict[str, Any]:
    return {
        "id": view.id,
        "installation": view.installation,
        "hook": view.hook,
        "state": view.state,
        "attempts": view.attempts,
        "received_at": view.received_at,
        "error": view.error_text or view.error_code,
    }
