"""A private PostgreSQL that keeps what it acknowledged, and a Redis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support import servers
from tests.support.servers import NotStarted, PrivateServer, start_postgres, start_redis

DURABLE: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",  # no checkpoint falls into one round and not into another
}
"""Other than the tests' server, which need not outlive a power cut."""


@dataclass(frozen=True, slots=True)
class Servers:
    """`postgres` and `redis` are addresses; None: this machine has no such server."""

    postgres: str | None
    redis: str | None

    def database(self, name: str) -> str:
        """A new empty database on the private PostgreSQL; its address.

        Raises: NotStarted.
        """
        if self.postgres is None:
            raise NotStarted("no PostgreSQL")
        with psycopg.connect(conninfo(self.postgres), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return make_url(self.postgres).set(database=name).render_as_string(hide_password=False)


@contextmanager
def private_servers() -> Iterator[Servers]:
    """Both, where the machine has them; stopped and removed afterwards."""
    started: list[PrivateServer] = []
    try:
        yield Servers(_start_postgres(started), _start_redis(started))
    finally:
        for server in started:
            server.stop()


def conninfo(url: str) -> str:
    """An address in libpq's words."""
    parsed = make_url(url)
    host = str(parsed.query["host"])
    return psycopg.conninfo.make_conninfo(host=host, user=parsed.username, dbname=parsed.database)


def socket_folder(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def _start_postgres(started: list[PrivateServer]) -> str | None:
    try:
        with mock.patch.dict(servers.POSTGRES_SETTINGS, DURABLE):
            started.append(start_postgres())
    except NotStarted:
        return None
    return started[-1].url


def _start_redis(started: list[PrivateServer]) -> str | None:
    try:
        started.append(start_redis())
    except NotStarted:
        return None
    return started[-1].url
