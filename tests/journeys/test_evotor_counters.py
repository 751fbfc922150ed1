"""An account's terminals and the people at them: listed by the cloud, seen by the owner."""

from __future__ import annotations

import re

import pytest

from loyalty_core.service.admins import create_admin
from loyalty_core.store.database import write
from tests.hub.web.conftest import Visitor, hashed_password
from tests.journeys.conftest import OpenEvotor
from tests.support.evotor import (
    CUP,
    DEVICE,
    NORTH,
    OPENING,
    STORE,
    EvotorStage,
    Goods,
    document,
    uuid_of,
)

SPARE, STRANGE = DEVICE[:-1] + "2", DEVICE[:-1] + "9"
OLGA, IVAN = uuid_of("e", 1), uuid_of("e", 2)
A_CUP = Goods(CUP, "1", "100.00")


@pytest.fixture
def stage(open_evotor: OpenEvotor) -> EvotorStage:
    stage = open_evotor()
    stage.cloud.open_store(NORTH)
    stage.cloud.devices[:] = [
        {"id": DEVICE, "name": "Касса у входа", "store_id": STORE, "imei": "350000000000006",
         "location": {"lng": 37.6, "lat": 55.7}, "timezone_offset": 10_800_000},
        {"id": SPARE, "name": None, "store_id": NORTH},
    ]  # fmt: skip
    stage.cloud.employees[:] = [
        {"id": OLGA, "name": "Ольга", "last_name": "Образцова", "phone": 79000000077,
         "role": "ADMIN", "stores": [STORE]},
        {"id": IVAN, "name": "Иван", "last_name": None, "role": "MANUAL"},
    ]  # fmt: skip
    with write(stage.hub.engine) as connection:
        create_admin(connection, login="owner", password_hash=hashed_password(), now=OPENING)
    return stage


def shown(stage: EvotorStage, path: str) -> str:
    owner = Visitor(stage.app.test_client(), "en")
    assert owner.log_in().status_code == 302
    page = owner.page(f"/admin/p/demo/{path}")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def health(stage: EvotorStage) -> str:
    return shown(stage, f"connections/{stage.installation.id}/health")


def test_the_owner_sees_which_terminals_report_and_who_sells(stage: EvotorStage):
    stage.work_after(hours=25)
    page = health(stage)
    assert "Касса у входа main not yet No receipt yet" in page
    assert f"{SPARE} north not yet No receipt yet" in page
    assert "Ольга О. Administrator of the till" in page
    assert "Иван" in page
    for kept_back in ("Образцова", "79000000077", "350000000000006", "37.6"):
        assert kept_back not in page
    at = stage.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    stage.sells(uuid_of("c", 1), A_CUP, hears=False, closed=at)
    # Of a terminal that nobody listed, in the other shop.
    strange = {"store_id": NORTH, "device_id": STRANGE, "close_user_id": uuid_of("e", 9)}
    stage.cloud.put(NORTH, document(uuid_of("c", 2), A_CUP, closed=at, **strange))
    stage.work_after(minutes=11)
    page = health(stage)
    assert re.search(r"Касса у входа main \S.*? Reports", page)
    assert re.search(rf"{STRANGE} not in the vendor's list north \S.*? Reports", page)
    assert f"{SPARE} north not yet No receipt yet" in page
    found = stage.purchase(uuid_of("c", 2))
    assert found is not None
    sold = shown(stage, f"members/{found['member']}?view=purchases")
    assert "Sold by Ольга О." in sold
    assert f"Sold by {uuid_of('e', 9)}" in sold

    stage.work_after(days=4)
    assert re.search(r"Касса у входа main \S.*? Silent for days", health(stage))


def test_who_leaves_the_list_is_forgotten_and_a_right_that_is_not_there_changes_nothing(
    stage: EvotorStage,
):
    stage.work_after(hours=25)
    stage.cloud.forbidden |= {"devices", "employees"}
    del stage.cloud.devices[1], stage.cloud.employees[1]
    stage.work_after(hours=25)
    assert "Иван" in health(stage)
    assert (stage.shown().state, stage.shown().trouble_code) == ("active", None)

    stage.cloud.forbidden.clear()
    stage.work_after(hours=25)
    page = health(stage)
    assert "Ольга О." in page
    assert "Иван" not in page
    assert SPARE not in page
