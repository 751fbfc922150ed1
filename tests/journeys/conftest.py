"""Shops and accounts connected to a hub, in the two ways to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.evotor import EvotorStage
from tests.support.moysklad import MoySkladStage
from tests.support.uds import UdsStage
from tests.support.woo import WooStage

OpenWoo = Callable[..., WooStage]
OpenMoySklad = Callable[..., MoySkladStage]
OpenEvotor = Callable[..., EvotorStage]
OpenUds = Callable[..., UdsStage]
TWO_WAYS = [
    pytest.param(("sqlite_engine", None), id="embedded"),
    pytest.param(("postgres_engine", "redis_url"), id="production"),
]
EVERYWHERE = [
    pytest.param(("sqlite_engine", None), id="sqlite-thread"),
    pytest.param(("sqlite_engine", "redis_url"), id="sqlite-rq"),
    pytest.param(("postgres_engine", None), id="postgresql-thread"),
    pytest.param(("postgres_engine", "redis_url"), id="postgresql-rq"),
]


Way = tuple[str, str | None]
"""The fixtures of a database, and of Redis where there is one."""


def opening(
    stage: Callable[..., Any], request: pytest.FixtureRequest, way: Way, folder: Path
) -> Iterator[Callable[..., Any]]:
    """Opens stages of a kind, with what each takes; all are closed at the end of the test."""
    database, redis = way
    engine = request.getfixturevalue(database)
    redis_url = request.getfixturevalue(redis) if redis else None
    opened: list[Any] = []

    def begin(**more: Any) -> Any:
        opened.append(stage(engine, folder, redis_url=redis_url, **more))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


@pytest.fixture(params=TWO_WAYS)
def open_woo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenWoo]:
    """`open_woo(...)` opens a shop, on SQLite with the worker thread and on PostgreSQL with an RQ
    worker."""
    yield from opening(WooStage, request, request.param, tmp_path)


@pytest.fixture
def woo(open_woo: OpenWoo) -> WooStage:
    return open_woo()


@pytest.fixture(params=TWO_WAYS[:1])
def open_evotor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenEvotor]:
    """`open_evotor(...)` connects a merchant, on SQLite with the worker thread; where the state
    matters a test asks for TWO_WAYS."""
    yield from opening(EvotorStage, request, request.param, tmp_path)


@pytest.fixture
def merchant(open_evotor: OpenEvotor) -> EvotorStage:
    return open_evotor()


@pytest.fixture(params=TWO_WAYS)
def open_moysklad(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenMoySklad]:
    """`open_moysklad(...)` connects an account."""
    yield from opening(MoySkladStage, request, request.param, tmp_path)


@pytest.fixture
def account(open_moysklad: OpenMoySklad) -> MoySkladStage:
    return open_moysklad()


@pytest.fixture
def open_moysklad_embedded(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[OpenMoySklad]:
    """As `open_moysklad`, on SQLite alone: where the state of the database does not matter."""
    yield from opening(MoySkladStage, request, ("sqlite_engine", None), tmp_path)


@pytest.fixture
def moysklad(open_moysklad_embedded: OpenMoySklad) -> MoySkladStage:
    return open_moysklad_embedded()


@pytest.fixture
def open_uds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenUds]:
    """`open_uds(...)` connects a till, on SQLite with the worker thread."""
    yield from opening(UdsStage, request, ("sqlite_engine", None), tmp_path)


@pytest.fixture
def till(open_uds: OpenUds) -> UdsStage:
    return open_uds()
