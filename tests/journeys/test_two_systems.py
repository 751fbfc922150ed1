"""One receipt that comes through two systems: sold at an Evotor till, whose receipts MoySklad
has too.  The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from loyalty_core.service.part_and_join import Decision, join_purchases, part_purchase
from loyalty_core.store.database import transact
from tests.journeys.test_evotor_terminal import BASKET, LATER, SALE, till_of
from tests.journeys.test_moysklad_documents import CHEQUE, RETURN, position
from tests.journeys.test_moysklad_documents import SALE as DEMAND
from tests.stand_ins.moysklad import Account
from tests.support import evotor, moysklad
from tests.support.evotor import EvotorStage, Goods, closed, receipt, uuid_of

PRINTED = {
    "fn_serial_number": CHEQUE["fnNumber"],
    "fiscal_document_number": int(CHEQUE["fiscalDocNumber"]),
    "fiscal_sign_doc_number": CHEQUE["fiscalDocSign"],
}


class TwoSystems(EvotorStage):
    """The merchant has an account at MoySklad as well, on the same hub."""

    saves = moysklad.MoySkladStage.saves

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        self.account = self._open.enter_context(Account(clock=self.clock.now))
        self.account.put("counterparty", moysklad.MoySkladStage.buyer())
        self.desk = self.connect(
            "moysklad",
            api_url=self.account.base_url,
            api_token=self.account.token,
            token_kind="solution",
            till_token=moysklad.TILL,
            hook_token=moysklad.HOOK,
            balance_fields="points=Баланс баллов",
        )
        self.work()

    def hears_of(self, kind: str, number: str) -> None:
        """MoySklad's webhook comes in."""
        self.clock.advance(seconds=1)
        body = self.account.notification((kind, number, "UPDATE"))
        path = f"{self.desk.hooks['events']}/{moysklad.HOOK}"
        asked = {"requestId": number}
        answer = self.app.test_client().post(path, json=body, query_string=asked)
        assert answer.status_code == 200
        self.work()


@pytest.fixture
def stage(sqlite_engine: Engine, tmp_path: Path) -> Iterator[TwoSystems]:
    opened = TwoSystems(sqlite_engine, tmp_path)
    yield opened
    opened.close()


def test_a_receipt_seen_twice_is_sold_spent_and_brought_back_once(
    stage: TwoSystems, tmp_path: Path
):
    stage.earns(500)
    till, _ = till_of(stage, tmp_path)
    open_receipt = receipt(1, *BASKET)
    till.identify(open_receipt, phone=evotor.PHONE)
    told = closed(open_receipt, till.offer(open_receipt, "270"))
    told["body"]["pos_print_results"] = [PRINTED]
    stage.cloud.put(evotor.STORE, told)
    stage.hears(told)
    stage.work()
    # 270.00 of 1800.00 is 15 %; 5 % of 1530.00 is 76.5: 500 - 270 + 76.
    assert (stage.balance(), stage.flags(SALE)) == ("306.00", [])

    lowered = (
        position(moysklad.TEA, 2, 69000.0, 15.0),
        position(moysklad.CUP, 1, 42000.0, 15.0),
    )
    stage.saves("retaildemand", DEMAND, *lowered, sum=153000.0, cheque=CHEQUE)
    stage.hears_of("retaildemand", DEMAND)
    assert (stage.balance(), stage.flags(DEMAND)) == ("306.00", ["linked"])

    # One tea of two, 586.50: 103.50 points back; of the 76 the teas earned 58.27, half is 29.14.
    one_tea = Goods(evotor.TEA, "1", "690.00", off="103.50", uuid=uuid_of("f", 1))
    stage.sells(uuid_of("c", 2), one_tea, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
    stage.work()
    assert stage.balance() == "380.36"
    demand = {"meta": {"href": stage.account.href("retaildemand", DEMAND)}}
    back = position(moysklad.TEA, 1, 69000.0, 15.0)
    stage.saves("retailsalesreturn", RETURN, back, sum=58650.0, demand=demand)
    stage.hears_of("retailsalesreturn", RETURN)
    assert stage.balance() == "380.36"

    # Taken for two sales, MoySklad's stands with 76 points less 29.14, and no points spent.
    seen = stage.purchase(DEMAND)
    first = stage.purchase(SALE)
    assert seen is not None
    assert first is not None
    said = Decision(stage.programme_id, "owner", stage.clock.now())

    def parts(connection: Connection) -> object:
        return part_purchase(connection, stage.hub.plans, seen["id"], said)

    def joins(connection: Connection) -> object:
        return join_purchases(connection, stage.hub.plans, first["id"], seen["id"], said)

    transact(stage.hub.engine, parts)
    stage.work()
    assert stage.balance() == "427.22"
    transact(stage.hub.engine, joins)
    stage.work()
    assert stage.balance() == "380.36"
