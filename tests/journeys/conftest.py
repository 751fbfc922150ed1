"""Shops and accounts connected to a hub, in the two ways to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.evotor import EvotorStage
from tests.support.moysklad import MoySkladStage
from tests.support.woo import WooStage

OpenWoo = Callable[..., WooStage]
OpenMoySklad = Callable[..., MoySkladStage]
OpenEvotor = Callable[..., EvotorStage]
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


@pytest.fixture(params=TWO_WAYS)
def open_woo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenWoo]:
    """`open_woo(...)` opens a shop, with what `WooStage` takes.

    On SQLite with the worker thread, and on PostgreSQL with an RQ worker.
    """
    database, redis = request.param
    engine = request.getfixturevalue(database)
    redis_url = request.getfixturevalue(redis) if redis else None
    opened: list[WooStage] = []

    def begin(**more: Any) -> WooStage:
        stage = WooStage(engine, tmp_path, redis_url=redis_url, **more)
        opened.append(stage)
        return stage

    yield begin
    for stage in opened:
        stage.close()


@pytest.fixture
def woo(open_woo: OpenWoo) -> WooStage:
    return open_woo()


@pytest.fixture(params=TWO_WAYS[:1])
def open_evotor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenEvotor]:
    """`open_evotor(...)` connects a merchant, with what `EvotorStage` takes.

    On SQLite with the worker thread; where the state matters a test asks for TWO_WAYS.
    """
    database, redis = request.param
    engine = request.getfixturevalue(database)
    redis_url = request.getfixturevalue(redis) if redis else None
    opened: list[EvotorStage] = []

    def begin(**more: Any) -> EvotorStage:
        stage = EvotorStage(engine, tmp_path, redis_url=redis_url, **more)
        opened.append(stage)
        return stage

    yield begin
    for stage in opened:
        stage.close()


@pytest.fixture
def merchant(open_evotor: OpenEvotor) -> EvotorStage:
    return open_evotor()


@pytest.fixture(params=TWO_WAYS)
def open_moysklad(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenMoySklad]:
    """`open_moysklad(...)` connects an account, with what `MoySkladStage` takes."""
    database, redis = request.param
    engine = request.getfixturevalue(database)
    redis_url = request.getfixturevalue(redis) if redis else None
    opened: list[MoySkladStage] = []

    def begin(**more: Any) -> MoySkladStage:
        stage = MoySkladStage(engine, tmp_path, redis_url=redis_url, **more)
        opened.append(stage)
        return stage

    yield begin
    for stage in opened:
        stage.close()


@pytest.fixture
def account(open_moysklad: OpenMoySklad) -> MoySkladStage:
    return open_moysklad()


@pytest.fixture
def open_moysklad_embedded(sqlite_engine: Engine, tmp_path: Path) -> Iterator[OpenMoySklad]:
    """As `open_moysklad`, on SQLite alone: where the state of the database does not matter."""
    opened: list[MoySkladStage] = []

    def begin(**more: Any) -> MoySkladStage:
        stage = MoySkladStage(sqlite_engine, tmp_path, **more)
        opened.append(stage)
        return stage

    yield begin
    for stage in opened:
        stage.close()


@pytest.fixture
def moysklad(open_moysklad_embedded: OpenMoySklad) -> MoySkladStage:
    return open_moysklad_embedded()
