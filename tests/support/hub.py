"""A hub over a test's own database, with real parts and a clock that stands still."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from hub.clock import Clock
from hub.config import Config
from hub.ingest.sealed import Cells
from hub.registry import Registry, load_registry
from hub.wiring import Hub, build_hub
from tests.support.clock import FixedClock

CELLS = Cells()
"""For all hubs of a test process: a child that translates takes half a second to start."""
INSTALLED = cache(load_registry)
"""The connectors, looked for once: what is installed does not change under a test."""
SECRET_KEY = "0" * 42 + "A="
"""A Fernet key like any other: 32 bytes in base64."""


def make_hub(
    engine: Engine,
    *,
    clock: Clock | None = None,
    registry: Registry | None = None,
    redis_url: str | None = None,
    allow_private: bool = True,
    cells: Cells = CELLS,
    **settings: Any,
) -> Hub:
    """`settings` are fields of Config; `registry` None is that of the connectors installed."""
    data_dir = settings.pop("data_dir", None) or Path(tempfile.gettempdir()) / "hub-of-tests"
    config = Config(
        data_dir=data_dir,
        database_url=engine.url.render_as_string(hide_password=False),
        redis_url=redis_url,
        allow_private_addresses=allow_private,
        secret_keys=settings.pop("secret_keys", (SECRET_KEY,)),
    )
    config = dataclasses.replace(config, **settings)
    return build_hub(
        config,
        clock=clock or FixedClock(),
        engine=engine,
        registry=registry or INSTALLED(config.connectors_enabled),
        cells=cells,
    )
