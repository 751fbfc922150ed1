"""`secrets`: the keys that settings of connections are encrypted with."""

from __future__ import annotations

import click

from hub.cli.output import json_option, print_row, progress_bar
from hub.cli.place import open_hub
from hub.vault import make_key, rotate


@click.group()
def secrets() -> None:
    """The keys that secrets are encrypted with at rest."""


@secrets.command("rotate")
@json_option
def rotate_command(as_json: bool) -> None:
    """Encrypt all secrets anew with the newest key.

    With a file of keys in the data folder, a new key is added to it first.  Where
    HUB_SECRET_KEYS holds them, put a new one in front of it (`secrets make-key`), restart the
    hub, then run this; afterwards the old ones may go.
    """
    hub = open_hub()
    with progress_bar("Encrypting anew", "connection") as progress:
        count = rotate(hub, progress)
    print_row({"installations": count}, as_json)


@secrets.command("make-key")
def make() -> None:
    """Print a new key for HUB_SECRET_KEYS."""
    click.echo(make_key())
