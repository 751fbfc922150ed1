"""The hub's side of the plugin: what it was quoted and promised is what it books of the order.

The cart is one of the vectors that a real shop made with the plugin under these very rules: 5 %
earned, points for up to 30 %, and 7 % off mugs.
"""

from __future__ import annotations

from typing import Any

from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.store.database import write
from loyalty_core.store.ids import from_wire
from tests.connectors.wordpress.plugin_orders import CARTS, meta, order_of_cart

(CART,) = [cart for cart in CARTS if cart["title"].startswith("recorded: prices with tax, points")]
MUGS = {
    "id": "p_mug", "name": "Неделя кружек", "type": "percent_off",
    "params": {"percent": "7", "skus": ["MUG-001"]},
}  # fmt: skip
ACCOUNT = 2


def rules() -> dict[str, Any]:
    return {**default_rules(earn_percent=5, spend_limit_percent=30), "promotions": [MUGS]}


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

    def hold(self) -> dict[str, Any]:
        payable = CART["answer"]["totals"]["payable"]
        expect = {"payable": payable, "spend": "700.00"}
        return self.call("/holds", self.basket(ttl_s=5400, expect=expect))


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
