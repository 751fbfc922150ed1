"""`members`: who is meant by a condition."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hub.cli.output import json_option, print_row
from hub.cli.place import chosen_programme, open_hub, programme_option
from loyalty_core.service.count_members import count_members
from loyalty_core.store.database import read


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
