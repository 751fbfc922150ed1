"""`connectors`: what vendors this hub can speak with."""

from __future__ import annotations

from typing import Any

import click

from hub.cli.output import json_option, print_rows
from hub.config import load_config
from hub.registry import Entry, load_registry


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
