"""`members`: who is meant by a condition, and what they buy most."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from hub.cli.output import json_option, print_row
from hub.cli.place import chosen_programme, open_hub, programme_option
from loyalty_core.service.count_members import count_members
from loyalty_core.service.personal_lists import fill_step, self_filled
from loyalty_core.store.database import read, transact


@click.group()
def members() -> None:
    """The members of a programme."""


@members.command()
@click.option(
    "--when", required=True, metavar="FILE|JSON", help="A condition, as `when` of a promotion."
)
@programme_option
@json_option
def count(when: str, code: str | None, as_json: bool) -> None:
    """Count the members who meet a condition."""
    tree = _tree(when)
    hub = open_hub()
    programme = chosen_programme(hub, code)
    with read(hub.engine) as connection:
        found = count_members(connection, hub.plans, programme.id, tree, now=hub.clock.now())
    print_row({"programme": programme.code, "members": found}, as_json)


@members.command()
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@programme_option
@json_option
def favourites(dry_run: bool, code: str | None, as_json: bool) -> None:
    """Fill the personal lists that fill themselves, now; the scheduler does so once a day."""
    hub = open_hub()
    programme, now = chosen_programme(hub, code), hub.clock.now()
    with read(hub.engine) as connection:
        lists = self_filled(connection, hub.plans, programme)
    told = {"members": 0, "added": 0, "removed": 0}
    after: int | None = 0 if lists else None
    while after is not None:
        step = partial(
            fill_step, programme=programme, lists=lists, after=after, now=now, dry_run=dry_run
        )
        filled = transact(hub.engine, step)
        for name in told:
            told[name] += getattr(filled, name)
        after = filled.last
    print_row({"programme": programme.code, "dry_run": dry_run, **told}, as_json)


def _tree(told: str) -> object:
    text = told if told.lstrip().startswith("{") else _text_of(Path(told))
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"The condition is not JSON: {error}") from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None
