"""Connections that ended while they lay in the pool."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty_core.store import database, programmes
from loyalty_core.store.database import is_away, read, transact


@pytest.fixture
def use(postgres_engine):
    """Takes the one connection of the pool, which its server process has ended meanwhile."""
    with read(postgres_engine) as connection:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
    url = postgres_engine.url.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 20000)", [number])
    return lambda: transact(postgres_engine, lambda one: programmes.programme_by_id(one, 1))


def test_one_that_was_lost_while_it_lay_idle_is_replaced(use, monkeypatch):
    monkeypatch.setattr(database, "_TRUSTED_S", 0)

    assert use() is None, "there is no such programme"


def test_one_that_was_lost_just_after_its_use_fails_once(use, monkeypatch):
    monkeypatch.setattr(database, "_TRUSTED_S", 3600)

    with pytest.raises(DBAPIError) as lost:
        use()

    assert is_away(lost.value)
    assert use() is None
