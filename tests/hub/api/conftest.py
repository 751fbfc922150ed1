"""The real app over a real database, and callers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from hub.app import create_app
from hub.wiring import Hub
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import read, write
from tests.hub.api.client import Caller, new_key, new_programme
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

COMERS = 32


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def hub(engine, clock, tmp_path) -> Hub:
    return make_hub(engine, clock=clock, data_dir=tmp_path / "data", quote_deadline_ms=20_000)


@pytest.fixture
def books_agree(request) -> Iterator[None]:
    """`ledger verify` finds nothing once the test is over; for modules that ask for it."""
    name = next(one for one in ("wide", "engine") if one in request.fixturenames)
    engine = request.getfixturevalue(name)
    yield
    with read(engine) as connection:
        assert verify_ledger(connection) == []


@pytest.fixture
def app(hub):
    return create_app(hub)


@pytest.fixture
def programme_id(hub) -> int:
    return new_programme(hub, "shop")


@pytest.fixture
def shop(hub, app, programme_id) -> Caller:
    """A caller who may do everything in the programme `shop`."""
    return Caller(app, new_key(hub, programme_id).key)


@pytest.fixture
def stranger(hub, app) -> Caller:
    """A caller who may do everything in another programme."""
    return Caller(app, new_key(hub, new_programme(hub, "other")).key)


@pytest.fixture
def at_once(engine) -> Callable[..., list[Any]]:
    """Runs a job with each number below 32, all at once."""
    threads = 8 if engine.dialect.name == "sqlite" else COMERS

    def run(job: Callable[[int], Any]) -> list[Any]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(job, range(COMERS)))

    return run


@pytest.fixture
def clean_books(engine: Engine) -> Iterator[None]:
    """At the end of a test the books agree, and a rebuild changes nothing."""
    yield
    with read(engine) as connection:
        assert verify_ledger(connection) == []
    with write(engine) as connection:
        assert rebuild_ledger(connection) == 0
