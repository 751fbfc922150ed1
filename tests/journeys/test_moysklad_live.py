"""MoySklad over real sockets: its webhook at the hub's door, the till beside it, both waiting."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text

from connectors.moysklad.routes import TILL_TOKEN
from hub.jobs import start_embedded
from tests.journeys.conftest import EVERYWHERE, OpenMoySklad
from tests.journeys.test_moysklad_documents import A_CUP, SALE, TWO_TEAS
from tests.journeys.test_moysklad_till import BASKET
from tests.support.browser import served
from tests.support.moysklad import ANNA, HOOK, TEA, TILL, Goods, MoySkladStage, ref
from tests.support.waiting import wait_until

PATIENCE_S = 1.5
"""What MoySklad waits for an answer to a webhook; three failures more, and the event is lost."""


@pytest.mark.parametrize("open_moysklad", EVERYWHERE, indirect=True)
def test_from_a_webhook_to_the_balance_at_the_till(open_moysklad: OpenMoySklad):
    stage = open_moysklad()
    worker = start_embedded(stage.hub)
    try:
        with served(stage.app) as address:
            account_and_till(stage, address)
    finally:
        worker.stop()


def account_and_till(stage: MoySkladStage, address: str) -> None:
    stage.saves("retaildemand", SALE, TWO_TEAS, A_CUP, sum=180000.0)
    hook = f"{address}{stage.installation.hooks['events']}/{HOOK}"
    began = time.monotonic()
    assert stage.account.tell("retaildemand", SALE, "CREATE", hook) == [200]
    assert time.monotonic() - began < PATIENCE_S

    def balance() -> float:
        answer = requests.post(
            f"{address}{stage.installation.hooks['connect']}/counterparty/detail",
            json={**ref("counterparty", ANNA), "phone": "8 900 000-12-34"},
            headers={TILL_TOKEN: TILL},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        told: float = answer.json()["bonusProgram"]["agentBonusBalance"]
        return told

    wait_until(lambda: balance() == 90)
    wrong = stage.account.tell("retaildemand", SALE, "UPDATE", f"{hook}x")
    assert wrong == [401] * 4, "it tries four times, and then the event is gone"
    assert stage.account.tell("retaildemand", SALE, "UPDATE", hook) == [200]
    wait_until(lambda: [one.state for one in stage.deliveries()] == ["done", "done"])
    assert balance() == 90


def test_a_catalogue_that_hangs_costs_discounts_and_not_the_sale(
    postgres_engine: Engine, tmp_path: Path
):
    stage = MoySkladStage(postgres_engine, tmp_path, deadline_ms=1000)
    stage.earns(500)
    stage.recalc(Goods(TEA, 1, 690.00))

    with postgres_engine.begin() as connection:
        connection.execute(text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
        cart = stage.recalc(*BASKET, spend=True)

    assert [one["discountedPrice"] for one in cart["positions"]][1] == 420
    assert cart["bonusProgram"]["paidByBonusPoints"] == 0
    stage.close()
