"""Floor F3: the hub's own web, whose door is answered without the database.

Everything else of the door stays: Flask, the settings opened and checked, the signature, the
name of the delivery, the bell.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
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


def main() -> None:
    hub = build_hub(load_config())
    logs.configure(hub.config)
    number = from_wire("i", os.environ["BENCH_INSTALLATION"])
    assert number is not None
    with read(hub.engine) as connection:
        row = installations.get(connection, number)
    without: dict[str, Any] = {
        "read": lambda _engine: nullcontext(),
        "transact": lambda _engine, _work: True,
        "installations": SimpleNamespace(get=lambda _connection, _number: row),
    }
    with mock.patch.multiple(door, **without):
        serve_web(hub)


if __name__ == "__main__":
    main()
