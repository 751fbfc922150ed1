"""A private PostgreSQL that keeps what it acknowledged, and a Redis."""

from __future__ import annotations

import os
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
    "max_wal_size": "8GB",  # no checkpoint falls into one round and not into another
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",  # when a delivery was booked, for the lag
}
"""Other than the tests' server, which need not outlive a power cut."""
QUICK_BUFFERS_MB = 128


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
def private_servers(*, quick: bool) -> Iterator[Servers]:
    """Both, where the machine has them; stopped and removed afterwards.

    PostgreSQL caches in a quarter of the memory, as its manual advises; little with `quick`.
    """
    started: list[PrivateServer] = []
    buffers = QUICK_BUFFERS_MB if quick else _memory_mb() // 4
    try:
        yield Servers(_start_postgres(started, buffers), _start_redis(started))
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


def _memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _start_postgres(started: list[PrivateServer], buffers_mb: int) -> str | None:
    settings = {**DURABLE, "shared_buffers": f"{buffers_mb}MB"}
    try:
        with mock.patch.dict(servers.POSTGRES_SETTINGS, settings):
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
