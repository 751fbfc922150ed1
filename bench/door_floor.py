"""Floor F3: the hub's own web, whose door is answered without the database.

Everything else of the door stays: Flask, the settings, the signature, the name of the delivery,
the bell.  What asks the database is named here in one place; the bench checks afterwards that
such a door keeps nothing.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest import mock

from hub import logs
from hub.config import load_config
from hub.ingest import inbox as door
from hub.serving import serve_web
from hub.wiring import build_hub
from loyalty_core.store import installations
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire

KEPT = 1
"""The id of a row that nobody wrote."""


def main() -> None:
    hub = build_hub(load_config())
    logs.configure(hub.config)
    number = from_wire("i", os.environ["BENCH_INSTALLATION"])
    assert number is not None
    with read(hub.engine) as connection:
        row = installations.get(connection, number)
    with ExitStack() as stack:
        for name, stand_in in stand_ins(row).items():
            stack.enter_context(mock.patch.object(door, name, stand_in))
        serve_web(hub)


def stand_ins(row: Any) -> dict[str, Any]:
    """By the door's own names: how it gets at the database, and what it asks there."""

    def kept(*_: Any, **__: Any) -> int:
        return KEPT

    def nothing(work: Any, **_: Any) -> Any:
        return work(None)

    return {
        "PromptDatabase": lambda *_, **__: SimpleNamespace(read=nothing, write=nothing),
        "Gathering": lambda *_, **__: SimpleNamespace(call=kept),
        "inbox": SimpleNamespace(store=kept, store_behind=kept),
        "installations": SimpleNamespace(
            get=lambda *_, **__: row, heard_from=lambda *_, **__: None
        ),
    }


if __name__ == "__main__":
    main()
