"""Empty, migrated databases for tests: one migration a worker, a copy of its result a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, Engine, make_url

from loyalty_core.store import partitions
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.migrate import upgrade

PARTITIONS = int(os.environ.get("HUB_TEST_LEDGER_PARTITIONS", "0"))
"""With 2 or more, the ledger of every PostgreSQL database of the tests is partitioned."""

EVERY_ENGINE = ("sqlite", "postgresql", "partitioned")
"""For modules whose tests run on a partitioned ledger in any case; others have the first two."""


class SqliteDatabases:
    """New SQLite files, each a copy of one that was migrated once.

    `fill` puts in what all of them shall have.
    """

    def __init__(self, folder: Path, fill: Callable[[Engine], None] = upgrade) -> None:
        self._template = folder / "template.db"
        engine = make_engine(f"sqlite:///{self._template}")
        fill(engine)
        engine.dispose()  # the last connection folds the write-ahead log into the file

    @contextmanager
    def new(self, folder: Path) -> Iterator[Engine]:
        """A database in this folder; its connections are closed afterwards."""
        place = folder / "hub.db"
        shutil.copyfile(self._template, place)
        engine = make_engine(f"sqlite:///{place}")
        try:
            yield engine
        finally:
            engine.dispose()


class PostgresDatabases:
    """New databases of one server, each a copy of one that was migrated once.

    With `parts` their ledger is in so many partitions.
    """

    def __init__(self, server_url: str, worker: str, *, parts: int = PARTITIONS) -> None:
        self._server = make_url(server_url)
        self._name = f"{worker}_in_{parts}"
        self._made = 0
        self._template = f"template_{self._name}"
        with psycopg.connect(_conninfo(self._server), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template)))
        engine = make_engine(self._url(self._template))
        upgrade(engine)
        if parts:
            with write(engine) as connection:
                partitions.partition(connection, parts)
        engine.dispose()  # nobody may be connected to a template while it is copied

    @contextmanager
    def new(self) -> Iterator[Engine]:
        """An empty database; it is dropped afterwards, whoever is still connected to it."""
        self._made += 1
        name = f"test_{self._name}_{self._made}"
        with psycopg.connect(_conninfo(self._server), autocommit=True) as admin:
            names = sql.Identifier(name), sql.Identifier(self._template)
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names)
            # From 15 on there is a slower default, which spares a checkpoint that costs us nothing.
            quick = " STRATEGY file_copy" if admin.info.server_version >= 150000 else ""
            admin.execute(create + sql.SQL(quick))
            engine = make_engine(self._url(name))
            try:
                yield engine
            finally:
                engine.dispose()
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                admin.execute(drop.format(sql.Identifier(name)))

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)


def _conninfo(url: URL) -> str:
    host = str(url.query["host"])
    return psycopg.conninfo.make_conninfo(host=host, user=url.username, dbname=url.database)
