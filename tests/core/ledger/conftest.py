"""A programme for each test of the ledger, on both databases.

The tests of this folder share one database of each kind: each has a programme of its own, and
looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event

from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """A migrated database that other tests have used.

    `partitioned` is for modules that ask for it (`EVERY_ENGINE`).
    """
    if request.param == "sqlite":
        databases = request.getfixturevalue("_sqlite_databases")
        with databases.new(tmp_path_factory.mktemp("ledger")) as opened:
            # Nobody pulls the plug here, so no commit needs to wait for the disk.
            event.listen(opened, "connect", _be_quick)
            yield opened
        return
    kind = {"postgresql": "_postgres_databases", "partitioned": "_partitioned_databases"}
    with request.getfixturevalue(kind[request.param]).new() as opened:
        yield opened


def _be_quick(connection, _record) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """10 % comes back, points live a year, what is missing becomes debt."""
    opened = open_programme(engine)
    yield opened
    assert_books_add_up(opened)


@pytest.fixture
def clamping(engine: Engine) -> Iterator[Shop]:
    """The same where what is missing is forgiven."""
    opened = open_programme(engine, rules(negative_balance="clamp"))
    yield opened
    assert_books_add_up(opened)
