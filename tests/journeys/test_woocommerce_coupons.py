"""A coupon of the programme in a shop without the plugin: made there, used on an order, given back
when the order is cancelled, and used at a till meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from hub.installations import update_settings
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import create_key
from loyalty_core.store.database import write
from tests.connectors.wordpress.made import line
from tests.journeys.conftest import TWO_WAYS
from tests.support.woo import recorded_order

TENTH = {
    "id": "p_may", "name": "Десятая часть", "type": "percent_off", "coupon": "may",
    "params": {"percent": "10"},
}  # fmt: skip
ORDER = "guest_order_created__1__order_created"


class Owner:
    """Calls the hub by a key that may everything."""

    def __init__(self, woo: Any) -> None:
        self.woo = woo
        with write(woo.hub.engine) as connection:
            made = create_key(
                connection,
                programme_id=woo.programme_id,
                name="till",
                scopes=("checkout", "events", "members", "admin"),
                shops=None,
                channels=None,
                now=woo.clock.now(),
            )
        self._headers = {"Authorization": f"Bearer {made.key}"}

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.woo.web().post(f"/api/v1{path}", json=body, headers=self._headers)
        assert answer.status_code in (200, 201), answer.json
        return answer.json

    def makes(self, lot: str) -> str:
        code: str = self.post("/coupons/lots", {"lot": lot, "series": "may", "count": 1})["codes"][
            0
        ]
        return code

    def state(self, code: str) -> tuple[str, int]:
        found = self.woo.web().get(f"/api/v1/coupons/{code}", headers=self._headers).json
        return found["state"], found["uses"]

    def sells(self, number: str, code: str) -> Any:
        """A till that could not ask: 1000.00 with the coupon's tenth off."""
        sold = {"id": "1", "kind": "goods", "name": "Мёд", "quantity": "1", "amount": "1000.00"}
        money = {"discount": "100.00", "spend": "0.00", "paid": "900.00"}
        return self.post(
            "/purchases",
            {
                "external_id": number, "revision": 1, "status": "paid", "shop": "main",
                "channel": "pos", "currency": "RUB", "coupons": [code],
                "occurred_at": self.woo.clock.now().isoformat(), "lines": [{**sold, **money}],
            },
        )  # fmt: skip


def buys(woo: Any, number: int, code: str, **changes: Any) -> None:
    """A guest's order of 1000.00, of which the shop took 100.00 off by its coupon."""
    goods = line(number, "900.00", subtotal="1000.00", subtotal_tax="0")
    typed = {"id": 90, "code": code.lower(), "discount": "100.00", "discount_tax": "0"}
    bare = {"shipping_lines": [], "fee_lines": [], "refunds": []}
    woo.shop.put_order(
        {
            **recorded_order(ORDER), "id": number, "number": str(number), "total": "900.00",
            "line_items": [goods], "coupon_lines": [typed], **bare, **changes,
        }
    )  # fmt: skip
    woo.deliver("order.updated", number)
    woo.work()


@pytest.fixture
def woo(open_woo: Any) -> Any:
    document = default_rules(earn_percent=5, spend_limit_percent=30)
    coupons = [{"code": "may", "name": "Май"}]
    woo = open_woo(document={**document, "coupons": coupons, "promotions": [TENTH]})
    update_settings(woo.hub, woo.installation.id, {"coupons": "true"})
    woo.work()
    return woo


def test_a_coupon_is_made_in_the_shop_used_on_an_order_and_given_back(woo):
    owner = Owner(woo)
    code = owner.makes("l1")
    woo.work_after(minutes=1)
    (made,) = woo.shop.coupons.values()
    assert (made["code"], made["amount"], made["usage_limit"]) == (code.lower(), "10.00", 1)

    buys(woo, 31, code)
    bought = woo.purchase(31)
    assert bought["flags"] == []
    assert bought["totals"] == {
        "amount": "1000.00", "discount": "100.00", "spend": "0.00", "paid": "900.00",
    }  # fmt: skip
    assert owner.state(code) == ("used", 1)
    # The shop counts its own orders: its limit stays as it was.
    made["usage_count"] = 1
    woo.work_after(minutes=1)
    assert made["usage_limit"] == 1
    assert "date_expires" in made
    assert made["date_expires"] is None

    buys(woo, 31, code, status="cancelled")
    assert owner.state(code) == ("active", 0)


@pytest.mark.parametrize("open_woo", TWO_WAYS[:1], indirect=True)
def test_a_coupon_that_a_till_took_leaves_the_shop_and_a_race_is_flagged(woo):
    owner = Owner(woo)
    first, second = owner.makes("l1"), owner.makes("l2")
    woo.work_after(minutes=1)
    assert len(woo.shop.coupons) == 2
    owner.sells("t-1", first)
    woo.work_after(minutes=1)
    assert [one["code"] for one in woo.shop.coupons.values()] == [second.lower()]

    # Sold at the till within the minute, and in the shop as well: both stand.
    owner.sells("t-2", second)
    buys(woo, 32, second)
    bought = woo.purchase(32)
    assert bought["totals"]["discount"] == "100.00"
    assert bought["flags"] == ["coupon_overused"]
    assert owner.state(second) == ("used", 2)
