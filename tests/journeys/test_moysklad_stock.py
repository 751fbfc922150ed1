"""What retail points have of goods: counted with the catalogue, told where it is read."""

from __future__ import annotations

from loyalty_core.service.api_keys import create_key
from loyalty_core.service.catalogue import stock_of
from loyalty_core.store.database import read, write
from tests.journeys.conftest import OpenMoySklad
from tests.stand_ins.moysklad import Json
from tests.support.moysklad import CHEESE, CUP, STORE, TEA, MoySkladStage

NORTH, SOUTH = (f"5c1f0a52-0d1e-11ef-0a80-0b630000{number}" for number in ("2222", "3333"))
CELLAR, ATTIC, ELSEWHERE = (
    f"7d1f0a52-0d1e-11ef-0a80-0b630000{number}" for number in ("0001", "0002", "0003")
)


def counted(stage: MoySkladStage) -> dict[str, list[tuple[str, int]]]:
    with read(stage.hub.engine) as connection:
        found = stock_of(connection, stage.programme_id, [TEA, CHEESE, CUP])
    assert {row.counted_at.date() for rows in found.values() for row in rows} <= {
        stage.clock.now().date()
    }
    return {sku: [(row.shop, row.quantity_milli) for row in rows] for sku, rows in found.items()}


def told(stage: MoySkladStage) -> dict[str, list[Json] | None]:
    """What the API tells of each product."""
    with write(stage.hub.engine) as connection:
        now, home = stage.clock.now(), stage.programme_id
        key = create_key(connection, programme_id=home, name="list", scopes=["admin"], now=now).key
    answer = stage.app.test_client().get(
        "/api/v1/programmes/demo/products", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.json is not None
    return {one["sku"]: one.get("stock") for one in answer.json["items"]}


def test_stock_comes_in_once_a_day_with_the_goods(open_moysklad_embedded: OpenMoySklad):
    stage = open_moysklad_embedded(shop="main", shops=f"{NORTH}=north")
    account = stage.account
    for point, store in ((STORE, CELLAR), (SOUTH, ATTIC), (NORTH, ATTIC)):
        meta = {"meta": {"href": account.href("store", store), "type": "store"}}
        account.put("retailstore", {"id": point, "name": "Точка", "store": meta})
    account.stock = {
        (TEA, CELLAR): 7, (TEA, ATTIC): 2.5, (TEA, ELSEWHERE): 100, (TEA, None): 9,
        (CHEESE, ATTIC): -3, (CUP, ELSEWHERE): 1,
    }  # fmt: skip
    stage.work_after(days=1)
    assert counted(stage) == {}, "it was not asked for"

    stage.set(stock="true")
    stage.work_after(days=1)
    # Two points of one shop sell from two stores; one store serves two shops.
    assert counted(stage) == {
        TEA: [("main", 9500), ("north", 2500)],
        CHEESE: [("main", -3000), ("north", -3000)],
    }
    assert told(stage)[TEA] == [
        {"shop": "main", "quantity": "9.5", "counted_at": stage.clock.now().isoformat()},
        {"shop": "north", "quantity": "2.5", "counted_at": stage.clock.now().isoformat()},
    ]
    assert told(stage)[CUP] is None

    account.stock = {(TEA, CELLAR): 1}
    stage.work_after(days=1)
    assert counted(stage) == {TEA: [("main", 1000)]}
