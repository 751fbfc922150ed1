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

    def state_of(self, hold: str) -> Any:
        return self.woo.web().get(f"/api/v1/holds/{hold}", headers=self._headers).json["state"]

    def enrol(self, points: str) -> None:
        made = self.call("/members", {"external": self.account})
        wanted = {"amount": points, "currency": "points", "reason": "start"}
        self.call(f"/members/{made['id']}/adjustments", wanted, **{"Idempotency-Key": "1"})

    def hold(self) -> dict[str, Any]:
        lines = [
            {name: line[name] for name in ("id", "kind", "amount", "quantity", "sku") if line[name]}
            for line in CART["lines"]
        ]
        body = {
            "currency": "RUB", "cart": "cart-1", "lines": lines, "spend": "700.00", "ttl_s": 5400,
            "member": {"external": self.account, "verified": True},
            "expect": {"payable": CART["answer"]["totals"]["payable"], "spend": "700.00"},
        }  # fmt: skip
        return self.call("/holds", body)


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
