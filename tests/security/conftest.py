from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from loyalty_core.store.migrate import upgrade
from tests.security.world import World, make_world, world_again
from tests.support.databases import SqliteDatabases


class _Worlds:
    """Each is the same and has a database of its own; they are made but once."""

    def __init__(self, folder: Path) -> None:
        self._databases = SqliteDatabases(folder, self._make)

    def _make(self, engine: Engine) -> None:
        upgrade(engine)
        self._first = make_world(engine)

    def new(self, folder: Path) -> Iterator[World]:
        with self._databases.new(folder) as engine:
            yield world_again(self._first, engine)


@pytest.fixture(scope="session")
def _worlds(tmp_path_factory: pytest.TempPathFactory) -> _Worlds:
    return _Worlds(tmp_path_factory.mktemp("worlds"))


@pytest.fixture
def world(_worlds: _Worlds, tmp_path: Path) -> Iterator[World]:
    yield from _worlds.new(tmp_path)


@pytest.fixture(scope="module")
def still_world(_worlds: _Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all tests of a module in which each call must change nothing."""
    yield from _worlds.new(tmp_path_factory.mktemp("still"))
