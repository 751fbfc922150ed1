"""R126: a stock that runs out, however many come at once.

The clock stands at noon in UTC of Saturday, 14 March 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from hub.app import create_app
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.tables import entries, reward_orders, reward_stock
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.hub.api.test_requirement_rows import Scene
from tests.hub.api.test_rows_rewards import (
    LOUNGE,
    MUG,
    available,
    cancel,
    hand_out,
    left,
    order,
    ordered,
    publish,
    rich,
    stock,
)
from tests.support.hub import make_hub

pytestmark = pytest.mark.usefixtures("books_agree")
COMERS = 32


@pytest.fixture
def scene(shop, clock) -> Scene:
    return Scene(shop, clock)


def test_r126_bad_stocks_are_refused(scene):
    publish(scene, MUG, LOUNGE)
    stock(scene, left=3)
    assert stock(scene, add=-3).get_json()["left"] == 0
    for code, said, field in (
        ("mug", {"add": -1}, "add"),
        ("mug", {"left": 1, "add": 1}, ""),
        ("mug", {}, ""),
        ("mug", {"left": -1}, "left"),
        ("mug", {"left": "5"}, "left"),
        ("lounge", {"left": 5}, ""),
    ):
        refused = stock(scene, code, **said)
        assert code_of(refused) == (422, "validation_failed")
        assert list(refused.get_json()["errors"]) == [field]
    assert code_of(stock(scene, "nothing", left=1)) == (404, "reward_not_found")
    keyless = scene.shop.post("/rewards/mug/stock", {"left": 1})
    assert code_of(keyless) == (400, "idempotency_key_required")
    assert [stock(scene, key="same", add=2).get_json()["left"] for _ in range(2)] == [2, 2]


def test_r126_what_does_not_agree_is_found_and_mended(scene, engine):
    """A stock that says one piece too few, and an order whose points are not in the books."""
    publish(scene, MUG)
    stock(scene, left=5)
    made = ordered(scene, rich(scene))
    with pytest.raises(IntegrityError), write(engine) as connection:
        connection.execute(update(reward_stock).values(taken=6))
    with write(engine) as connection:
        connection.execute(update(reward_stock).values(taken=2))
        connection.execute(update(reward_orders).values(points=99_00))
    with read(engine) as connection:
        found = [(one.member, one.code, one.text) for one in verify_ledger(connection)]
    assert found == [
        ("reward mug", "stock_differs_from_orders", "2 != 1"),
        (made["id"], "order_differs_from_entries", "10000 != 9900"),
    ]

    with write(engine) as connection:
        connection.execute(update(reward_orders).values(points=100_00))
        assert rebuild_ledger(connection) == 1
    assert left(scene) == {"Mug": 4}


@pytest.fixture
def wide(postgres_engine) -> Iterator[Engine]:
    """A connection for each who comes."""
    url = postgres_engine.url.render_as_string(hide_password=False)
    engine = make_engine(url, pool_size=COMERS)
    yield engine
    engine.dispose()


@pytest.fixture
def crowd(wide, clock, tmp_path) -> Scene:
    hub = make_hub(wide, clock=clock, data_dir=tmp_path)
    shop = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    return Scene(shop, clock)


def at_once(job: Any, *asked: Any) -> list[Any]:
    gate = Barrier(COMERS)

    def run(one: Any) -> Any:
        gate.wait(timeout=60)
        return job(one)

    with ThreadPoolExecutor(COMERS) as pool:
        return list(pool.map(run, asked))


def spends(engine: Engine) -> list[tuple[str, int]]:
    with read(engine) as connection:
        moved = select(entries.c.kind, entries.c.amount).where(entries.c.kind != "adjust")
        return sorted((kind, amount) for kind, amount in connection.execute(moved))


def test_r126_the_last_ten_go_to_ten_of_32_who_come_at_once(crowd, wide):
    publish(crowd, MUG)
    stock(crowd, left=10)
    comers = [rich(crowd, "150.00", f"+791655505{number:02}") for number in range(COMERS)]

    told = at_once(lambda one: order(crowd, one, key=f"order of {one}"), *comers)
    statuses = [answer.status_code for answer in told]
    assert sorted(statuses) == [201] * 10 + [409] * 22
    assert {code_of(one) for one in told if one.status_code == 409} == {(409, "none_left")}
    assert left(crowd) == {"Mug": 0}
    assert spends(wide) == [("spend", 100_00)] * 10

    crowd.clock.advance(days=2)
    again = at_once(lambda one: order(crowd, one, key=f"order of {one}"), *comers)
    assert [answer.status_code for answer in again] == statuses
    ids = [one.get_json().get("order", {}).get("id") for one in told]
    assert [one.get_json().get("order", {}).get("id") for one in again] == ids
    assert spends(wide) == [("spend", 100_00)] * 10


def test_r126_one_member_gets_no_more_than_the_points_suffice_for(crowd, wide):
    """32 at once of one who can pay for ten, by keys of which each came twice."""
    publish(crowd, MUG)
    stock(crowd, left=COMERS)
    anna = rich(crowd, "1000.00")
    keys = [f"key-{number // 2}" for number in range(COMERS)]

    def come(key: str) -> str:
        answer = order(crowd, anna, key=key)
        return answer.get_json()["order"]["id"] if answer.status_code == 201 else code_of(answer)[1]

    told = at_once(come, *keys)
    ids = {one for one in told if one.startswith("ro_")}
    assert len(ids) == 10
    assert set(told) - ids <= {"not_enough_points", "in_progress"}
    assert (left(crowd), available(crowd, anna)) == ({"Mug": COMERS - 10}, "0.00")
    assert spends(wide) == [("spend", 100_00)] * 10


def test_r126_of_cancelling_and_handing_out_at_once_one_wins(crowd, wide):
    """16 tills and 16 clerks with one order: it ends once."""
    publish(crowd, MUG)
    stock(crowd, left=1)
    anna = rich(crowd)
    made = ordered(crowd, anna)

    def end(number: int) -> int:
        done = cancel(crowd, made) if number % 2 else hand_out(crowd, made["code"])
        return int(done.status_code)

    told = at_once(end, *range(COMERS))
    state = crowd.shop.get(f"/rewards/orders/{made['id']}").get_json()["state"]
    if state == "handed_out":
        assert sorted(told) == [200] + [409] * (COMERS - 1)
        assert (left(crowd), available(crowd, anna)) == ({"Mug": 0}, "150.00")
    else:
        assert (state, sorted(told)) == ("cancelled", [200] * 16 + [409] * 16)
        assert (left(crowd), available(crowd, anna)) == ({"Mug": 1}, "250.00")
