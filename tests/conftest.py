"""The databases and servers of the tests.

`engine` gives each test an empty migrated database, once on SQLite and once on PostgreSQL;
`redis_url` an empty Redis.  The servers are private to the session (`tests/support/servers.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from sqlalchemy import Engine

from hub.jobs.collector import search_rarely
from tests.support import leaks, routes
from tests.support.databases import PARTITIONS, PostgresDatabases, SqliteDatabases
from tests.support.memory import memory_folder
from tests.support.servers import (
    ON_DISK,
    NotStarted,
    PrivateServer,
    start_postgres,
    start_redis,
)

#: Machines that run tests are slow at times; a law of the domain is not about time.
settings.register_profile("hub", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "hub"))

MEMORY = memory_folder()
STARTERS: dict[str, Callable[[], PrivateServer]] = {
    "postgres": partial(start_postgres, MEMORY or ON_DISK),
    "redis": start_redis,
}
SERVERS = pytest.StashKey["Servers"]()


class Servers:
    """The servers of this session: started when first asked for, stopped at its end.

    `handed` holds what the controller of several workers has started, or why it could not.
    """

    def __init__(self, handed: dict[str, dict[str, str]]) -> None:
        self._known = dict(handed)
        self._running: list[PrivateServer] = []

    def url(self, name: str) -> str:
        """The server's address.

        Raises: NotStarted.
        """
        known = self.ask(name)
        if "problem" in known:
            raise NotStarted(known["problem"])
        return known["url"]

    def ask(self, name: str) -> dict[str, str]:
        """The server's `url`, or the `problem` with it."""
        if name not in self._known:
            try:
                server = STARTERS[name]()
            except NotStarted as error:
                self._known[name] = {"problem": str(error)}
            else:
                self._running.append(server)
                self._known[name] = {"url": server.url}
        return self._known[name]

    def problems(self) -> list[str]:
        """Why servers that were asked for are not there."""
        return [
            f"{name}: {known['problem']}"
            for name, known in self._known.items()
            if "problem" in known
        ]

    def stop(self) -> None:
        """Stop what this process started."""
        while self._running:
            self._running.pop().stop()


def pytest_configure(config: pytest.Config) -> None:
    if MEMORY is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    leaks.pytest_configure(config)
    routes.read_once()
    routes.compile_when_asked()
    handed = getattr(config, "workerinput", {}).get("servers", {})
    servers = Servers(handed)
    config.stash[SERVERS] = servers
    config.add_cleanup(servers.stop)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """The controller starts the servers once and tells each worker where they are."""
    servers = node.config.stash[SERVERS]
    node.workerinput["servers"] = {name: servers.ask(name) for name in STARTERS}


def pytest_itemcollected(item: pytest.Item) -> None:
    """`-k "not postgresql"` leaves out what asks for PostgreSQL by itself, too."""
    if "postgres_engine" in getattr(item, "fixturenames", ()):
        item.extra_keyword_matches.add("postgresql")


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: searched over and over, they took a quarter."""
    search_rarely()


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    problems = config.stash[SERVERS].problems()
    if problems:
        terminalreporter.section("NOT TESTED: servers are missing", sep="!", red=True, bold=True)
        for problem in problems:
            terminalreporter.write_line(problem, red=True)


def _needed(request: pytest.FixtureRequest, name: str) -> str:
    """The server's address; without it the test is left out, on a build server it fails."""
    try:
        return request.config.stash[SERVERS].url(name)
    except NotStarted as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def _sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def _postgres_databases(request: pytest.FixtureRequest, worker_id: str) -> PostgresDatabases:
    return PostgresDatabases(_needed(request, "postgres"), worker_id)


@pytest.fixture(scope="session")
def _partitioned_databases(request: pytest.FixtureRequest, worker_id: str) -> PostgresDatabases:
    if PARTITIONS:
        return request.getfixturevalue("_postgres_databases")
    return PostgresDatabases(_needed(request, "postgres"), worker_id, parts=8)


@pytest.fixture
def sqlite_engine(_sqlite_databases: SqliteDatabases, tmp_path: Path) -> Iterator[Engine]:
    with _sqlite_databases.new(tmp_path) as engine:
        yield engine


@pytest.fixture
def postgres_engine(_postgres_databases: PostgresDatabases) -> Iterator[Engine]:
    with _postgres_databases.new() as engine:
        yield engine


@pytest.fixture
def partitioned_engine(_partitioned_databases: PostgresDatabases) -> Iterator[Engine]:
    with _partitioned_databases.new() as engine:
        yield engine


ENGINES = {
    "sqlite": "sqlite_engine",
    "postgresql": "postgres_engine",
    "partitioned": "partitioned_engine",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """An empty migrated database, on both kinds of server.

    A module that is to run on a partitioned ledger as well says so by `parametrize`.
    """
    name = ENGINES[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def redis_url(request: pytest.FixtureRequest, worker_id: str) -> str:
    """An empty Redis database of this worker's own."""
    server = _needed(request, "redis")
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    url = f"{server.rpartition('/')[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
