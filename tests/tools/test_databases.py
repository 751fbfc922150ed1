"""Each test has a database of its own, migrated and empty."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import Engine, func, select

from loyalty_core.store.database import write
from loyalty_core.store.migrate import pending
from loyalty_core.store.tables import metadata


@pytest.mark.parametrize("turn", [1, 2])
def test_a_database_begins_migrated_and_without_rows_of_other_tests(
    engine: Engine, turn: int
) -> None:
    assert not pending(engine)
    with write(engine) as connection:
        for table in metadata.sorted_tables:
            assert connection.scalar(select(func.count()).select_from(table)) == 0
        connection.exec_driver_sql("CREATE TABLE left_over (turn INTEGER)")


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_begins_empty(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left_over", turn)
