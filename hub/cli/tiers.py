"""`tiers`: rate members by the ladder in force."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import click

from hub.cli.output import json_option, print_json, print_rows, progress_bar
from hub.cli.place import chosen_programme, open_hub, programme_option
from hub.wiring import Hub
from loyalty_core.service.rate_tiers import rate_some, try_rating
from loyalty_core.store import tiers as store
from loyalty_core.store.database import read, transact


@click.group()
def tiers() -> None:
    """The tiers of members."""


@tiers.command()
@programme_option
@click.option("--dry-run", is_flag=True, help="Only tell who would move from where to where.")
@json_option
def recount(code: str | None, dry_run: bool, as_json: bool) -> None:
    """Rate all members of a programme by the ladder in force.

    The scheduler does so by itself when a changed ladder is published.  Cut off, it goes on
    where it was: by the scheduler, or from the first member on by this command.
    """
    hub = open_hub()
    programme = chosen_programme(hub, code)
    if dry_run:
        _try(hub, programme.id, as_json)
    else:
        _rate(hub, programme.id, as_json)


def _try(hub: Hub, programme_id: int, as_json: bool) -> None:
    moves: Counter[tuple[str | None, str | None]] = Counter()
    seen = 0
    with progress_bar("Rating", "member") as move, read(hub.engine) as connection:
        total = store.count_members(connection, programme_id)
        parts = try_rating(connection, hub.plans, programme_id, now=hub.clock.now())
        for part in parts:
            seen += part.members
            moves += part.moves
            move(seen, total)
    rows: list[dict[str, Any]] = [
        {"from": was, "to": now, "members": count}
        for (was, now), count in sorted(moves.items(), key=lambda item: (-item[1], str(item[0])))
    ]
    if as_json:
        print_json({"members": seen, "moves": rows})
        return
    print_rows(rows, as_json, none="Nobody would move.")


def _rate(hub: Hub, programme_id: int, as_json: bool) -> None:
    done = 0
    with progress_bar("Rating", "member") as move:
        with read(hub.engine) as connection:
            total = store.count_members(connection, programme_id)
        transact(hub.engine, partial(store.rate_anew, programme_id=programme_id))
        while some := transact(
            hub.engine,
            partial(rate_some, plans=hub.plans, programme_id=programme_id, now=hub.clock.now()),
        ):
            done += some
            move(done, total)
    if as_json:
        print_json({"members": done})
    else:
        click.echo(f"{done} members rated.")
