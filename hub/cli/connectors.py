"""`connectors`: what vendors this hub can speak with, and the first files of a new connector."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Any

import click

from hub.cli.output import json_option, print_rows
from hub.config import load_config
from hub.registry import GROUP, Entry, load_registry
from loyalty_kit import scaffold


@click.group()
def connectors() -> None:
    """Connectors that are installed."""


@connectors.command("list")
@json_option
def show(as_json: bool) -> None:
    """List the connectors with what they can do, or why they cannot be used."""
    registry = load_registry(load_config().connectors_enabled)
    print_rows([_as_row(entry) for entry in registry.entries], as_json, none="No connectors.")


def _as_row(entry: Entry) -> dict[str, Any]:
    manifest = entry.connector.manifest if entry.connector else None
    return {
        "code": entry.code,
        "state": str(entry.state),
        "title": manifest.title.get("en", entry.code) if manifest else None,
        "capabilities": sorted(manifest.capabilities) if manifest else [],
        "package": f"{entry.distribution} {entry.version}".strip(),
        "reason": entry.reason,
    }


@connectors.command()
@click.argument("name")
@click.option(
    "--builtin",
    is_flag=True,
    help="A folder of this hub's own sources; run it at their root.",
)
def new(name: str, builtin: bool) -> None:
    """Write the first files of a connector NAME, which passes its own tests.

    It is a package of its own, in a folder that is made here.
    """
    try:
        scaffold.check_name(name, {point.name for point in entry_points(group=GROUP)})
    except scaffold.NameRefused as refused:
        raise click.UsageError(str(refused)) from None
    if builtin:
        _write_built_in(name)
    else:
        _write_outside(name)


def _write_outside(name: str) -> None:
    folder = Path(scaffold.distribution(name))
    _write(folder, scaffold.outside(name), (folder,))
    click.echo(f"Made {folder}.  Now, in the hub's virtual environment:")
    click.echo(f"  cd {folder}")
    click.echo("  pip install --no-deps --no-build-isolation --editable .")
    click.echo("  pytest -q")


def _write_built_in(name: str) -> None:
    if not Path("connectors/__init__.py").is_file() or not Path("setup.cfg").is_file():
        raise click.UsageError("This is not the root of the hub's sources.")
    rooms = (Path("connectors", name), Path("tests/connectors", name))
    _write(Path(), scaffold.built_in(name), rooms)
    click.echo(f"Made {rooms[0]} and {rooms[1]}.  Now add to setup.cfg, among its entry points:")
    click.echo(f"  {name} = connectors.{name}:CONNECTOR")
    click.echo(f"and run: pytest -q {rooms[1]}")


def _write(root: Path, files: Mapping[PurePosixPath, str], rooms: tuple[Path, ...]) -> None:
    """What is there already is somebody's work, and stays."""
    for room in rooms:
        if room.exists():
            raise click.UsageError(f"{room} is there already, and is left as it is.")
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
