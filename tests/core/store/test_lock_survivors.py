"""Members who are merged or erased while somebody waits to hold them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update

from loyalty_core.store.database import transact, write
from loyalty_core.store.members import lock_survivors
from loyalty_core.store.tables import members
from tests.support.locks import wait_for_locks

NOW = datetime(2026, 3, 14, tzinfo=UTC)
PROGRAMME, ANNA, BORIS = 1, 10, 20


@pytest.fixture
def engine(postgres_engine):
    people = [
        {
            "id": number,
            "programme_id": PROGRAMME,
            "state": "active",
            "attributes": {},
            "consents": [],
            "created_at": NOW,
        }
        for number in (ANNA, BORIS)
    ]
    with postgres_engine.begin() as connection:
        connection.execute(insert(members), people)
    return postgres_engine


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"state": "merged", "merged_into": BORIS}, {ANNA: BORIS, BORIS: BORIS}),
        ({"state": "erased"}, {ANNA: None}),
        ({"city": "Омск"}, {ANNA: ANNA}),
    ],
    ids=["merged", "erased", "changed"],
)
def test_what_is_held_is_who_they_are_by_then(engine, change, found):
    with ThreadPoolExecutor(1) as pool:
        with write(engine) as connection:
            connection.execute(update(members).where(members.c.id == ANNA).values(**change))
            wait = pool.submit(transact, engine, lambda one: lock_survivors(one, PROGRAMME, {ANNA}))
            wait_for_locks(engine)

        assert wait.result(20) == found
