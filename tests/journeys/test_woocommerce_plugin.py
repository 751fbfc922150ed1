"""The hub's side of the plugin: what it was quoted and promised is what it books of the order.

The cart is one of the vectors that a real shop made with the plugin under these very rules: 5 %
earned, points for up to 30 %, and 7 % off mugs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from tests.connectors.wordpress.made import line
from tests.connectors.wordpress.plugin_orders import CARTS, meta, order_of_cart
from tests.journeys.conftest import TWO_WAYS
from tests.support.woo import refund_of_amount

(CART,) = [cart for cart in CARTS if cart["title"].startswith("recorded: prices with tax, points")]
MUGS = {
    "id": "p_mug", "name": "Неделя кружек", "type": "percent_off",
    "params": {"percent": "7", "skus": ["MUG-001"]},
}  # fmt: skip
ACCOUNT = 2
EMBEDDED = TWO_WAYS[:1]


CUP = {
    "id": "p_cup", "name": "Чашка в подарок", "type": "gift",
    "params": {"sku": "CUP-1", "name": "Чашка", "skus": ["TEA-002"]},
}  # fmt: skip
MONEY = {"code": "money", "name": "Сертификат", "nominal": "1000.00", "life_days": 365}


def rules(*more: dict[str, Any]) -> dict[str, Any]:
    common = default_rules(earn_percent=5, spend_limit_percent=30)
    return {**common, "promotions": [MUGS, *more], "certificates": [MONEY]}


class Plugin:
    """Calls the hub as the plugin does."""

    def __init__(self, woo: Any) -> None:
        self.woo = woo
        with write(woo.hub.engine) as connection:
            made = create_key(
                connection,
                programme_id=woo.programme_id,
                name="shop",
                scopes=("checkout", "members", "admin"),
                shops=None,
                channels=None,
                now=woo.clock.now(),
            )
        self._headers = {"Authorization": f"Bearer {made.key}"}

    @property
    def account(self) -> dict[str, str]:
        # As `Options::system` names it from the connection's id.
        number = from_wire("i", self.woo.installation.id)
        return {"system": f"installation:{number}", "id": str(ACCOUNT)}

    def call(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = self.woo.web().post(
            f"/api/v1{path}", json=body, headers={**self._headers, **headers}
        )
        assert answer.status_code in (200, 201), answer.json
        told: dict[str, Any] = answer.json
        return told

    def available(self) -> Any:
        card = self.woo.web().get(f"/api/v1/members/{self.member}", headers=self._headers).json
        return card["balance"]["available"]

    def state_of(self, hold: str) -> Any:
        return self.woo.web().get(f"/api/v1/holds/{hold}", headers=self._headers).json["state"]

    def enrol(self, points: str) -> None:
        made = self.call("/members", {"external": self.account})
        self.member = made["id"]
        wanted = {"amount": points, "currency": "points", "reason": "start"}
        self.call(f"/members/{made['id']}/adjustments", wanted, **{"Idempotency-Key": "1"})

    def basket(self, **changes: Any) -> dict[str, Any]:
        lines = [
            {name: line[name] for name in ("id", "kind", "amount", "quantity", "sku") if line[name]}
            for line in CART["lines"]
        ]
        return {
            "currency": "RUB", "cart": "cart-1", "lines": lines, "spend": "700.00",
            "member": {"external": self.account, "verified": True}, **changes,
        }  # fmt: skip

    def hold(self, to_pay: str | None = None, **changes: Any) -> dict[str, Any]:
        payable = CART["answer"]["totals"]["payable"]
        expect = {"payable": payable, "spend": "700.00", "to_pay": to_pay or payable}
        return self.call("/holds", self.basket(ttl_s=5400, expect=expect, **changes))

    def issue(self, count: int = 1) -> list[str]:
        """Codes of certificates with 1000.00 on each."""
        wanted = {"lot": "l1", "series": "money", "count": count, "loaded": True}
        codes: list[str] = self.call("/certificates/lots", wanted)["codes"]
        return codes

    def left_on(self, code: str) -> Any:
        found = self.call("/certificates/check", {"code": code})
        return found["balance"], found["reserved"]


def test_an_order_of_the_plugin_takes_up_its_hold_as_it_was_promised(open_woo):
    woo = open_woo(document=rules())
    plugin = Plugin(woo)
    plugin.enrol("3000.00")
    held = plugin.hold()
    promised = [
        {name: line[name] for name in ("id", "discount", "spend", "payable")}
        for line in held["quote"]["lines"]
    ]
    assert promised == CART["answer"]["lines"]

    notes = meta(("_loyalty_hub_hold", held["id"]), ("_loyalty_hub_points_spent", "700.00"))
    woo.shop.put_order(
        order_of_cart(CART, id=19, number="19", customer_id=ACCOUNT, meta_data=notes)
    )
    woo.deliver("order.updated", 19)
    woo.work()

    # Goods were 3980.00 - 278.60 - 551.11 = 3150.29 and 999.99 - 148.89 = 851.10, delivery 300.00;
    # 5 % of 4001.39 is 200.0695, so 200 points.
    bought = woo.purchase(19)
    assert bought["flags"] == []
    assert bought["totals"] == {
        "amount": "5279.99", "discount": "278.60", "spend": "700.00", "paid": "4301.39",
    }  # fmt: skip
    assert (bought["points"]["spent"], bought["points"]["earned"]) == ("700.00", "200.00")
    assert plugin.state_of(held["id"]) == "captured"


@pytest.mark.parametrize("open_woo", EMBEDDED, indirect=True)
def test_points_of_a_line_that_staff_took_off_come_back(open_woo):
    woo = open_woo(document=rules())
    plugin = Plugin(woo)
    plugin.enrol("3000.00")
    held = plugin.hold()
    notes = meta(
        ("_loyalty_hub_hold", held["id"]),
        ("_loyalty_hub_points_spent", "700.00"),
        ("_loyalty_hub_spend", "700.00"),
    )
    order = order_of_cart(CART, id=19, number="19", customer_id=ACCOUNT, meta_data=notes)
    woo.shop.put_order(order)
    woo.deliver("order.updated", 19)
    woo.work()
    assert woo.purchase(19)["points"]["spent"] == "700.00"

    # The tea goes: 851.10 of money and 148.89 of points.  The coupons stay as they were until
    # staff calculate the order anew.
    without_tea = [item for item in order["line_items"] if item["sku"] != "TEA-002"]
    woo.shop.put_order({**order, "line_items": without_tea})
    woo.deliver("order.updated", 19)
    woo.work()

    # The mugs' share of the promised 200 points is 200.00 x 3150.29 / 4001.39 = 157.46.
    bought = woo.purchase(19)
    assert bought["totals"] == {
        "amount": "4280.00", "discount": "278.60", "spend": "551.11", "paid": "3450.29",
    }  # fmt: skip
    points = bought["points"]
    assert (points["spent"], points["given_back"]) == ("700.00", "148.89")
    assert (points["earned"], points["clawed_back"]) == ("200.00", "42.54")
    # 3000.00 - 551.11 + 157.46
    assert plugin.available() == "2606.35"


@pytest.mark.parametrize("open_woo", EMBEDDED, indirect=True)
def test_a_gift_that_was_promised_is_no_other_purchase(open_woo):
    woo = open_woo(document=rules(CUP))
    plugin = Plugin(woo)
    plugin.enrol("3000.00")
    held = plugin.hold()
    (gift,) = held["quote"]["gifts"]
    assert (gift["sku"], gift["quantity"]) == ("CUP-1", "1")

    notes = meta(("_loyalty_hub_hold", held["id"]), ("_loyalty_hub_points_spent", "700.00"))
    order = order_of_cart(CART, id=19, number="19", customer_id=ACCOUNT, meta_data=notes)
    cup = line(99, "0.00", sku="CUP-1", name="Чашка", meta_data=meta(("_loyalty_hub_gift", "yes")))
    woo.shop.put_order({**order, "line_items": [*order["line_items"], cup]})
    woo.deliver("order.updated", 19)
    woo.work()

    bought = woo.purchase(19)
    assert bought["flags"] == []
    assert bought["totals"]["paid"] == "4301.39"
    assert bought["points"]["earned"] == "200.00"
    assert [one["sku"] for one in bought["lines"] if one["amount"] == "0.00"] == ["CUP-1"]

    # Two cups, or another article for nothing, is what nobody promised.
    other = line(98, "0.00", sku="CUP-2", name="Чашка")
    woo.shop.put_order({**order, "line_items": [*order["line_items"], cup, other]})
    woo.deliver("order.updated", 19)
    woo.work()
    assert woo.purchase(19)["flags"] == ["hold_differs"]


@pytest.mark.parametrize("open_woo", EMBEDDED, indirect=True)
def test_a_certificate_pays_an_order_and_comes_back_with_it(open_woo):
    woo = open_woo(document=rules())
    plugin = Plugin(woo)
    plugin.enrol("3000.00")
    (code,) = plugin.issue()
    # 4301.39 - 1000.00
    held = plugin.hold(to_pay="3301.39", certificates=[code])
    assert plugin.left_on(code) == ("0.00", "1000.00")

    notes = meta(
        ("_loyalty_hub_hold", held["id"]),
        ("_loyalty_hub_points_spent", "700.00"),
        ("_loyalty_hub_certificates", "1000.00"),
    )
    order = order_of_cart(
        CART, id=19, number="19", customer_id=ACCOUNT, meta_data=notes, total="3301.39"
    )
    woo.shop.put_order(order)
    woo.deliver("order.updated", 19)
    woo.work()
    bought = woo.purchase(19)
    assert (bought["flags"], bought["totals"]["paid"]) == ([], "4301.39")
    assert bought["certificates"] == [{"code": f"...{code[-4:]}", "amount": "1000.00"}]
    assert plugin.left_on(code) == ("0.00", "0.00")

    # The shop gives back the money that it was paid, and the status says that this is all.
    woo.shop.add_refund(19, refund_of_amount(50, "3301.39", "2026-11-22T06:45:00"))
    woo.shop.change_order(19, status="refunded")
    woo.deliver("order.updated", 19)
    woo.work()
    bought = woo.purchase(19)
    assert bought["flags"] == []
    assert (bought["points"]["given_back"], bought["points"]["clawed_back"]) == ("700.00", "200.00")
    assert plugin.left_on(code) == ("1000.00", "0.00")


def paid_by_certificates(woo, plugin):
    """Order 19, of which five certificates paid all 4301.39; the last of them keeps 698.61."""
    plugin.enrol("3000.00")
    codes = plugin.issue(5)
    held = plugin.hold(to_pay="0.00", certificates=codes)
    notes = meta(
        ("_loyalty_hub_hold", held["id"]),
        ("_loyalty_hub_points_spent", "700.00"),
        ("_loyalty_hub_certificates", "4301.39"),
    )
    order = order_of_cart(
        CART, id=19, number="19", customer_id=ACCOUNT, meta_data=notes, total="0.00"
    )
    woo.shop.put_order(order)
    woo.deliver("order.updated", 19)
    woo.work()
    assert sum(Decimal(plugin.left_on(code)[0]) for code in codes) == Decimal("698.61")
    return order, codes


@pytest.mark.parametrize("open_woo", EMBEDDED, indirect=True)
def test_a_part_of_what_certificates_paid_brings_back_its_part_of_them(open_woo):
    woo = open_woo(document=rules())
    plugin = Plugin(woo)
    order, codes = paid_by_certificates(woo, plugin)

    # The tea comes back: WooCommerce has no money to give of an order of 0.00.
    refund = refund_of_amount(50, "0.00", "2026-11-22T06:45:00")
    tea = next(item for item in order["line_items"] if item["sku"] == "TEA-002")
    back = line(51, "0.00", sku="TEA-002", quantity=-3)
    back["meta_data"] = meta(("_refunded_item_id", str(tea["id"])))
    woo.shop.add_refund(19, {**refund, "line_items": [back]})
    woo.shop.change_order(19, status="refunded")
    woo.deliver("order.updated", 19)
    woo.work()

    # 851.10 of 4301.39 were the tea's, with 148.89 of the points: of 1000.00 that is 197.87.
    bought = woo.purchase(19)
    assert bought["flags"] == []
    assert bought["points"]["given_back"] == "148.89"
    assert [plugin.left_on(code)[0] for code in codes[:4]] == ["197.87"] * 4

    # And the mugs: all that was to come back is back.
    mugs = line(52, "0.00", sku="MUG-001", quantity=-2)
    number = next(item["id"] for item in order["line_items"] if item["sku"] == "MUG-001")
    mugs["meta_data"] = meta(("_refunded_item_id", str(number)))
    refund = refund_of_amount(53, "0.00", "2026-11-22T06:50:00")
    woo.shop.add_refund(19, {**refund, "line_items": [mugs]})
    woo.deliver("order.updated", 19)
    woo.work()
    assert woo.purchase(19)["flags"] == []
    assert plugin.available() == "3000.00"
    assert [plugin.left_on(code)[0] for code in codes] == ["1000.00"] * 5


@pytest.mark.parametrize("open_woo", EMBEDDED, indirect=True)
def test_an_order_of_nothing_to_pay_that_is_set_to_refunded_gives_all_back(open_woo):
    """WooCommerce 10.5.2 makes no refund of 0.00."""
    woo = open_woo(document=rules())
    plugin = Plugin(woo)
    _, codes = paid_by_certificates(woo, plugin)

    woo.shop.change_order(19, status="refunded")
    woo.deliver("order.updated", 19)
    woo.work()

    assert [plugin.left_on(code) for code in codes] == [("1000.00", "0.00")] * 5
    # The 700 points are back, and the 200 that it had brought are gone.
    assert plugin.available() == "3000.00"
