"""`backup` and `restore`: the whole database as one file, and back."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hub.cli.output import json_option, print_json, print_row, progress_bar
from hub.cli.place import bare_hub
from hub.keeping.archive import Manifest, read_manifest, unpack
from hub.keeping.copies import make_backup
from hub.keeping.restore import DAMAGED, Outlook, Restored, look_ahead, restore
from hub.keeping.room import room_beside

_place = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_WITHOUT_KEYS = (
    "The keys that open the passwords of connected shops are NOT in it.  Keep secret.keys (or"
    " HUB_SECRET_KEYS) in another place: without them every shop must be connected anew."
)
_WITH_KEYS = (
    "IT HOLDS THE KEYS: whoever reads this file can enter every connected shop.  Guard it like"
    " a password."
)


@click.command()
@_place
@click.option("--inspect", is_flag=True, help="Prove FILE and say what it holds; make nothing.")
@click.option("--with-keys", is_flag=True, help="Put the keys in as well: it opens every shop.")
@click.option("--force", is_flag=True, help="Replace a file of this name.")
@json_option
def backup(file: Path, inspect: bool, with_keys: bool, force: bool, as_json: bool) -> None:
    """Write the whole database to FILE, while the hub goes on working.

    Everything that was answered before it began is in it.  For PostgreSQL the programs of
    postgresql-client must be installed.
    """
    place = file.absolute()
    if inspect:
        _inspect(place, as_json)
        return
    with _on_disk(), _ended_in_order(), progress_bar("Backing up", "B") as move:
        manifest = make_backup(bare_hub(), place, with_keys=with_keys, replace=force, progress=move)
    _print_manifest(place, manifest, as_json)
    click.echo(_WITH_KEYS if with_keys else _WITHOUT_KEYS, err=True)


@click.command("restore")
@_place
@click.option("--dry-run", is_flag=True, help="Prove FILE, say what would be lost; change nothing.")
@click.option("--force", is_flag=True, help="Replace a database that is not empty.")
@json_option
def restore_command(file: Path, dry_run: bool, force: bool, as_json: bool) -> None:
    """Put the backup FILE in the place of the database that HUB_DATABASE_URL names.

    The hub must not be running.  Exits with 1 if the books do not agree afterwards.
    """
    hub, place = bare_hub(), file.absolute()
    with (
        _on_disk(),
        _ended_in_order(),
        progress_bar("Checking" if dry_run else "Restoring", "B") as move,
    ):
        done = (
            look_ahead(hub, place, move)
            if dry_run
            else restore(hub, place, replace=force, progress=move)
        )
    healthy = _print_outlook(done, as_json) if isinstance(done, Outlook) else _print(done, as_json)
    if not healthy:
        sys.exit(1)


@contextmanager
def _on_disk() -> Iterator[None]:
    """A disk that is full or may not be written is told in a line."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise click.ClickException(
            f"{error.strerror or error}{where}.  Nothing was changed."
        ) from error


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does, so that no half copy of all members is left: at the end of
    a machine's day, or of a container's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _inspect(place: Path, as_json: bool) -> None:
    read_manifest(place)
    with _ended_in_order(), room_beside(place) as room, progress_bar("Checking", "B") as move:
        manifest = unpack(place, room, move)
    _print_manifest(place, manifest, as_json)


def _print_manifest(place: Path, manifest: Manifest, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(place), "bytes": place.stat().st_size, **asdict(manifest)})
        return
    print_row(_summary(place, manifest), as_json=False)


def _summary(place: Path, manifest: Manifest) -> dict[str, Any]:
    told = ("members", "purchases", "deliveries", "installations")
    return {
        "file": str(place),
        "bytes": place.stat().st_size,
        "made": manifest.made_at,
        "hub": manifest.hub_version,
        "schema": manifest.schema,
        "database": manifest.server,
        "keys": manifest.with_keys,
        **{name: manifest.rows.get(name, 0) for name in told},
    }


def _print_outlook(outlook: Outlook, as_json: bool) -> bool:
    """Whether a restore would do it, with --force where something is lost."""
    if as_json:
        print_json({**asdict(outlook), "manifest": asdict(outlook.manifest)})
    else:
        click.echo(f"The backup of {outlook.manifest.made_at} is whole.")
        for name, count in outlook.lost.items():
            click.echo(f"would be lost: {count} {name}")
        for refusal in outlook.refusals:
            click.echo(refusal)
        if outlook.lost and not outlook.refusals:
            click.echo("The database is not empty; restore --force replaces it.")
        if outlook.damaged:
            click.echo(DAMAGED)
    return not outlook.refusals


def _print(done: Restored, as_json: bool) -> bool:
    """Whether the books agree."""
    if as_json:
        print_json(asdict(done))
    else:
        click.echo(f"Restored the backup of {done.manifest.made_at}.")
        for finding in done.findings:
            click.echo(f"{finding.member} {finding.currency}: {finding.code}: {finding.text}")
        if not done.findings:
            click.echo(f"The books of {done.accounts} accounts agree.")
    if done.locked_connections:
        names = ", ".join(done.locked_connections)
        click.echo(
            f"No key at hand opens the passwords of: {names}.  Bring secret.keys of the old"
            " machine (or HUB_SECRET_KEYS), or enter them anew.",
            err=True,
        )
    return not done.findings
