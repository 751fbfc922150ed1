"""One person buys, spends and brings back in WooCommerce, at an Evotor till, at a MoySklad till and
in a Bitrix shop, and one receipt is told by two of them.

The programme gives 5 % of what is paid, in whole points, and takes points for up to 30 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine

from connectors.evotor.terminal.till import Till
from hub.installations import InstallationView, check_installation, show_balances
from loyalty_core.store.ids import from_wire
from tests.connectors.wordpress.made import order
from tests.connectors.wordpress.plugin_orders import meta, order_of_cart
from tests.hub.api.bodies import a_line, a_purchase
from tests.hub.api.client import Caller, new_key
from tests.journeys.test_evotor_terminal import BASKET, LATER, SALE, sold, till_of
from tests.journeys.test_moysklad_documents import CHEQUE, position
from tests.journeys.test_moysklad_documents import SALE as DEMAND
from tests.journeys.test_moysklad_till import BASKET as CART
from tests.journeys.test_moysklad_till import entered
from tests.journeys.test_two_systems import PRINTED, TwoSystems
from tests.stand_ins.woocommerce import WooShop
from tests.support import moysklad
from tests.support.bitrix import ACCOUNT as BITRIX_ACCOUNT
from tests.support.bitrix import SECRET, PhpShop, Sent
from tests.support.evotor import STORE, TEA, Goods, closed, receipt, uuid_of
from tests.support.moysklad import ANNA, MoySkladStage, ref
from tests.support.stage import PHONE
from tests.support.woo import refund_of_amount

WOO_ACCOUNT = 2
AT = "2026-03-14T18:31:02+03:00"
ORDERED = "2026-03-14T15:30:00"
FIRST_SALE = "77770000-1fb1-11f1-0a80-0b6300000200"
TILL_SALE = "77770000-1fb1-11f1-0a80-0b6300000201"
TILL_RETURN = "88880000-2101-11f1-0a80-0b6300000201"
SEEN_RETURN = "88880000-2101-11f1-0a80-0b6300000202"

BALANCES = {
    "10000.00 at the counter earn 500": "500.00",
    "1000.00 at Evotor's till earn 50": "550.00",
    "600.00 at MoySklad's till earn 30": "580.00",
    "4000.00 at WooCommerce earn the account 200": "580.00",
    "3000.00 at Bitrix earn the account 150": "580.00",
    "both accounts are Anna's": "930.00",
    # 1900.00 paid: 95.
    "100 of 2000.00 spent at WooCommerce": "925.00",
    # 1530.00 paid: 76.5, in whole points 76.
    "270 of 1800.00 spent at Evotor's till": "731.00",
    "MoySklad has that receipt, too": "731.00",
    # 1620.00 paid: 81.
    "180 of 1800.00 spent at MoySklad's till": "632.00",
    # 1800.00 paid: 90.
    "200 of 2000.00 spent at Bitrix": "522.00",
    # 760.00 of 1900.00: 40 points back; 95 x 760 / 1900 = 38 taken.
    "the mug back at WooCommerce": "524.00",
    # 586.50 of 1530.00: 103.50 back; half of the teas' 58.27 is 29.14.
    "a tea back at Evotor's till": "598.36",
    "MoySklad has that return, too": "598.36",
    # 378.00 of 1620.00: 42 back; 81 x 378 / 1620 = 18.90 taken.
    "the cup back at MoySklad's till": "621.46",
    # 1080.00 of 1800.00: 120 back; 90 x 1080 / 1800 = 54 taken.
    "the pot back at Bitrix": "687.46",
}
"""Anna's balance after each step."""

WOO_CART: dict[str, Any] = {
    "told": {"tea": ["0.00", "60.00"], "mug": ["0.00", "40.00"]},
    "order": {
        "line_items": [
            {"line": "tea", "id": 1, "name": "Чай", "product_id": 11, "variation_id": 0,
             "quantity": 3, "sku": "TEA-002", "subtotal": "1200.00", "subtotal_tax": "0.00",
             "total": "1140.00", "total_tax": "0.00"},
            {"line": "mug", "id": 2, "name": "Кружка", "product_id": 10, "variation_id": 0,
             "quantity": 1, "sku": "MUG-001", "subtotal": "800.00", "subtotal_tax": "0.00",
             "total": "760.00", "total_tax": "0.00"},
        ],
        "shipping_lines": [],
        "coupon_lines": [
            {"id": 5, "code": "loyalty-points", "discount": "100.00", "discount_tax": "0.00"}
        ],
    },
}  # fmt: skip
MUG_BACK = {
    "id": 1050, "name": "", "product_id": 10, "variation_id": 0, "quantity": -1, "sku": "MUG-001",
    "subtotal": "-800.00", "subtotal_tax": "0.00", "total": "-760.00", "total_tax": "0.00",
    "meta_data": meta(("_refunded_item_id", "2")),
}  # fmt: skip
WOO_LINES = [
    {"id": "tea", "quantity": "3", "amount": "1200.00", "sku": "TEA-002"},
    {"id": "mug", "quantity": "1", "amount": "800.00", "sku": "MUG-001"},
]


class CashDesk(MoySkladStage):
    """MoySklad's till, at the connection of a stage of several systems."""

    def __init__(self, stage: TwoSystems) -> None:
        self.app, self.clock, self.installation = stage.app, stage.clock, stage.desk


class FourSystems(TwoSystems):
    """The merchant has a WooCommerce shop and a Bitrix shop as well, and the hub's own API."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__(engine, folder)
        self.woo = self._open.enter_context(WooShop(clock=self.clock.now))
        self.woo.customers[WOO_ACCOUNT] = {}
        self.woo_home = self.connect(
            "wordpress",
            base_url=self.woo.base_url,
            consumer_key=self.woo.consumer_key,
            consumer_secret=self.woo.consumer_secret,
            webhook_secret=self.woo.webhook_secret,
        )
        self.site_home = self.connect("bitrix", secret=SECRET)
        self.owner = Caller(self.app, new_key(self.hub, self.programme_id, name="owner").key)
        self.site = PhpShop(self._answer)
        self._open.callback(self.site.close)
        key = new_key(self.hub, self.programme_id, scopes=("checkout", "events")).key
        known = {"connection": self.site_home.id, "secret": SECRET, "events": "Y"}
        self.site.do("open", options={"url": "http://hub.example", "key": key, **known})
        self.site.do("user", id=BITRIX_ACCOUNT)
        check_installation(self.hub, self.desk.id)
        for home in (self.woo_home, self.desk):
            show_balances(self.hub, home.id, on=True)
        self.work()

    def _answer(self, sent: Sent) -> tuple[int, str]:
        url, headers, body = sent
        answer = self.app.test_client().post(urlsplit(url).path, data=body, headers=headers)
        return answer.status_code, answer.text

    # --- people -----------------------------------------------------------------------------

    def enrol(self, home: InstallationView, account: int) -> str:
        """A shop asks the hub to know one of its accounts."""
        made = self.owner.post("/members", {"external": self.named(home, account)})
        return str(made.json["id"])

    @staticmethod
    def named(home: InstallationView, account: int) -> dict[str, str]:
        return {"system": f"installation:{from_wire('i', home.id)}", "id": str(account)}

    def conflicts(self) -> int:
        return len(self.owner.get("/attention/conflicts").json["items"])

    # --- WooCommerce ------------------------------------------------------------------------

    def orders(self, placed: dict[str, Any]) -> None:
        times = {"date_created_gmt": ORDERED, "date_paid_gmt": ORDERED}
        self.woo.put_order({**placed, **times, "customer_id": WOO_ACCOUNT})
        self.hears_of_order(int(placed["id"]))

    def hears_of_order(self, number: int) -> None:
        self.clock.advance(seconds=1)
        body = self.woo.payload("order.updated", number)
        headers = self.woo.delivery_headers("order.updated", body)
        path = self.woo_home.hooks["events"]
        assert self.app.test_client().post(path, data=body, headers=headers).status_code == 200
        self.work()

    # --- Bitrix -----------------------------------------------------------------------------

    def buys_at_the_site(self, number: int, *lines: list[Any], points: str = "") -> None:
        self.site.do("next_basket")
        self.site.do("basket", lines=list(lines))
        if points:
            self.site.do("points", typed=points)
            self.site.do("basket", lines=list(lines))
        self.site.do("place", id=number, roles={"phone": PHONE}, at=AT)
        self.site.do("pay", id=number, at=AT)
        self.ends_page()

    def ends_page(self) -> None:
        self.site.do("end_page")
        self.work()

    # --- what each system is told -----------------------------------------------------------

    def pushed(self) -> tuple[Any, Any]:
        """What stands at the account in WooCommerce, and in the field of MoySklad's buyer."""
        (field,) = self.account.objects["counterparty"][ANNA]["attributes"]
        return self.woo.customers[WOO_ACCOUNT]["loyalty_hub_available"], field["value"]

    def asked(self, till: Till, desk: CashDesk) -> tuple[Any, Any, Any]:
        """What Evotor's till, MoySklad's and the Bitrix shop answer when they ask."""
        anna = till.identify(receipt(9), phone=PHONE)
        detail = desk.till("counterparty/detail", ref("counterparty", ANNA)).json
        self.site.do("next_basket")
        assert anna is not None
        balance = self.site.do("told")["balance"]
        return anna["balance"], detail["bonusProgram"]["agentBonusBalance"], balance


@pytest.fixture
def stage(sqlite_engine: Engine, tmp_path: Path) -> Iterator[FourSystems]:
    opened = FourSystems(sqlite_engine, tmp_path)
    yield opened
    opened.close()


class Anna:
    """What she does: after each step the books are sound, and her balance is the table's."""

    def __init__(self, stage: FourSystems, folder: Path) -> None:
        self.stage, self.desk = stage, CashDesk(stage)
        self.till, _ = till_of(stage, folder)
        self.steps = iter(BALANCES.items())
        self.billing = {**order()["billing"], "phone": PHONE, "email": ""}

    def now(self, step: str) -> None:
        self.stage.work()
        assert (step, self.stage.balance()) == next(self.steps)

    def buys_at_three_tills(self) -> None:
        counter = a_purchase(
            customer={"phone": PHONE, "verified": True},
            channel="pos",
            occurred_at=AT,
            lines=[a_line(amount="10000.00", paid="10000.00")],
        )
        assert self.stage.owner.post("/purchases", counter).status_code == 201
        self.now("10000.00 at the counter earn 500")
        sold(self.stage, 5, Goods(TEA, "1", "1000.00"), till=self.till, points=None)
        self.now("1000.00 at Evotor's till earn 50")
        assert self.desk.till("counterparty", entered()).status_code == 201
        cart = self.desk.recalc(moysklad.Goods(moysklad.TEA, 1, 600.00))
        self.desk.sells(FIRST_SALE, cart)
        self.now("600.00 at MoySklad's till earn 30")

    def buys_in_two_shops_that_know_accounts(self) -> None:
        """What is typed into the orders is her phone."""
        stage, anna = self.stage, self.stage.card().id
        accounts = [
            stage.enrol(stage.woo_home, WOO_ACCOUNT),
            stage.enrol(stage.site_home, BITRIX_ACCOUNT),
        ]
        plain = order_of_cart(WOO_CART, id=18, number="18", billing=self.billing)
        tea = {**plain["line_items"][0], "subtotal": "4000.00", "total": "4000.00", "meta_data": []}
        stage.orders({**plain, "line_items": [tea], "coupon_lines": []})
        self.now("4000.00 at WooCommerce earn the account 200")
        stage.buys_at_the_site(41, [9013, 3000.0, 1, {}])
        self.now("3000.00 at Bitrix earn the account 150")
        assert stage.conflicts() == 2, "listed for a person, and not merged by guess"
        for other in accounts:
            answer = stage.owner.post(f"/members/{anna}/merge", {"from": other})
            assert answer.status_code == 200
        self.now("both accounts are Anna's")

    def spends_at_woocommerce(self) -> None:
        stage = self.stage
        member = {"external": stage.named(stage.woo_home, WOO_ACCOUNT), "verified": True}
        basket = {"cart": "cart-1", "lines": WOO_LINES, "member": member, "spend": "100.00"}
        hold = stage.owner.post("/holds", {**basket, "ttl_s": 5400})
        assert hold.status_code == 201, hold.text
        notes = meta(
            ("_loyalty_hub_hold", hold.json["id"]),
            ("_loyalty_hub_points_spent", "100.00"),
            ("_loyalty_hub_spend", "100.00"),
        )
        stage.orders(
            order_of_cart(WOO_CART, id=19, number="19", meta_data=notes, billing=self.billing)
        )
        self.now("100 of 2000.00 spent at WooCommerce")

    def spends_at_evotor_s_till(self) -> None:
        stage, open_receipt = self.stage, receipt(1, *BASKET)
        self.till.identify(open_receipt, phone=PHONE)
        told = closed(open_receipt, self.till.offer(open_receipt, "270"))
        told["body"]["pos_print_results"] = [PRINTED]
        stage.cloud.put(STORE, told)
        stage.hears(told)
        self.now("270 of 1800.00 spent at Evotor's till")
        lowered = (
            position(moysklad.TEA, 2, 69000.0, 15.0),
            position(moysklad.CUP, 1, 42000.0, 15.0),
        )
        stage.saves("retaildemand", DEMAND, *lowered, sum=153000.0, cheque=CHEQUE)
        stage.hears_of("retaildemand", DEMAND)
        self.now("MoySklad has that receipt, too")

    def spends_at_moysklad_s_till_and_at_bitrix(self) -> None:
        self.cart = self.desk.recalc(*CART, wish=180)
        self.desk.sells(TILL_SALE, self.cart)
        self.now("180 of 1800.00 spent at MoySklad's till")
        lines = [9014, 800.0, 1, {}], [9015, 1200.0, 1, {}]
        self.stage.buys_at_the_site(42, *lines, points="200")
        self.now("200 of 2000.00 spent at Bitrix")

    def brings_a_line_back_to_each(self) -> None:
        stage = self.stage
        mug = refund_of_amount(50, "760.00", "2026-03-14T15:50:00")
        stage.woo.add_refund(19, {**mug, "line_items": [MUG_BACK]})
        stage.hears_of_order(19)
        self.now("the mug back at WooCommerce")
        one_tea = Goods(TEA, "1", "690.00", off="103.50", uuid=uuid_of("f", 1))
        stage.sells(uuid_of("c", 2), one_tea, kind="PAYBACK", base=SALE, closed=LATER, phone=None)
        self.now("a tea back at Evotor's till")
        demand = {"meta": {"href": stage.account.href("retaildemand", DEMAND)}}
        tea = position(moysklad.TEA, 1, 69000.0, 15.0)
        stage.saves("retailsalesreturn", SEEN_RETURN, tea, sum=58650.0, demand=demand)
        stage.hears_of("retailsalesreturn", SEEN_RETURN)
        self.now("MoySklad has that return, too")
        cup = self.cart["positions"][1]
        self.desk.posts("retailsalesreturn", self.desk.return_of(TILL_RETURN, TILL_SALE, cup))
        self.now("the cup back at MoySklad's till")
        stage.site.do("quantity", id=42, line=9015, quantity=0)
        stage.ends_page()
        self.now("the pot back at Bitrix")


def test_one_member_through_four_systems(stage: FourSystems, tmp_path: Path):
    anna = Anna(stage, tmp_path)
    anna.buys_at_three_tills()
    anna.buys_in_two_shops_that_know_accounts()
    anna.spends_at_woocommerce()
    anna.spends_at_evotor_s_till()
    anna.spends_at_moysklad_s_till_and_at_bitrix()
    flags = [stage.flags(number) for number in ("19", SALE, DEMAND, TILL_SALE, "42")]
    assert flags == [[], [], ["linked"], [], []]
    anna.brings_a_line_back_to_each()

    assert list(anna.steps) == []
    assert stage.pushed() == ("687.46", 687)
    assert stage.asked(anna.till, anna.desk) == ("687.46", 687.46, 687.46)
    assert stage.conflicts() == 0
