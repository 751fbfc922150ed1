"""Calls of another process of the same hub, for tests that count them at the vendor."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from hub.live import enliven
from loyalty_core.store import installations
from loyalty_core.store.database import make_engine, read
from loyalty_core.store.ids import from_wire
from tests.support.hub import make_hub


def ask_goods(
    database_url: str, redis_url: str, installation: str, ready: Callable[[], int], calls: int
) -> None:
    """Ask MoySklad's stand-in so often, four calls at a time, once all processes are `ready`."""
    hub = make_hub(make_engine(database_url), redis_url=redis_url)
    with read(hub.engine) as connection:
        row = installations.get(connection, from_wire("i", installation) or 0)
    assert row is not None
    live = enliven(hub, row)
    ready()
    with ThreadPoolExecutor(4) as crew:
        ask = lambda _: live.client().rows("/entity/product", {})  # noqa: E731
        assert list(crew.map(ask, range(calls))) == [[]] * calls
