"""The real app over a real database, and callers of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.app import create_app
from hub.wiring import Hub
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read
from tests.hub.api.client import Caller, new_key, new_programme
from tests.support.clock import FixedClock
from tests.support.hub import make_hub


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
