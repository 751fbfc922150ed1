"""A look at the database: one moment, and nothing can be written."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty_core.store.database import look, read, write

SHOP = text(
    "INSERT INTO shops (id, programme_id, code, name, vendor) VALUES (:id, 1, :code, 'x', '{}')"
)
COUNT = text("SELECT count(*) FROM shops")


def test_it_sees_one_moment_whatever_others_write(engine):
    with look(engine) as looking:
        assert looking.execute(COUNT).scalar_one() == 0
        with write(engine) as connection:
            connection.execute(SHOP, {"id": 1, "code": "a"})
        assert looking.execute(COUNT).scalar_one() == 0

    with look(engine) as looking:
        assert looking.execute(COUNT).scalar_one() == 1


def test_it_cannot_write_and_leaves_connections_that_can(engine):
    with look(engine) as looking, pytest.raises(DBAPIError):
        looking.execute(SHOP, {"id": 1, "code": "a"})

    for number in range(5):
        with write(engine) as connection:
            connection.execute(SHOP, {"id": number, "code": str(number)})
    with read(engine) as connection:
        assert connection.execute(COUNT).scalar_one() == 5
