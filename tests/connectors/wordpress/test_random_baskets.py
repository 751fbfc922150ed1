"""What goes back to the checkout is what the hub books: 500 baskets, to the kopeck.

Each basket is quoted by the API, allotted by the plugin's own PHP, made an order as WooCommerce
keeps it, read back by the connector, and booked.
"""

from __future__ import annotations

import json
import random
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.app import create_app
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.source import Source
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import purchase_lines, purchases
from loyalty_kit.money import format_decimal
from tests.connectors.wordpress.made import order, purchase
from tests.connectors.wordpress.plugin_orders import meta
from tests.deploy.conftest import needed
from tests.hub.api.client import Caller, new_key
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

BASKETS = 500
SEED = 20261129
ALLOT = Path(__file__).parent / "plugin" / "allot.php"
SKUS = ("A", "B", "C", "D")
RATES = (0, 10, 20, 22)
PROMOTIONS = [
    {"id": "p_a", "name": "A", "type": "percent_off", "params": {"percent": "7", "skus": ["A"]}},
    {"id": "p_b", "name": "B", "type": "percent_off", "params": {"percent": "33.3", "skus": ["B"]}},
    {"id": "p_c", "name": "C", "type": "sum_off", "params": {"sum": "100.01", "skus": ["C", "D"]}},
]  # fmt: skip
SHOP = "installation:5"
ACCOUNT = {"external": {"system": SHOP, "id": "2"}, "verified": True}


def basket(chance: random.Random) -> dict[str, Any]:
    """Lines with their rates of tax; `net` where the shop keeps prices without."""
    gross = chance.random() < 0.5
    lines = []
    for number in range(chance.randint(1, 6)):
        rate, quantity = chance.choice(RATES), chance.randint(1, 5)
        price = chance.randint(1, 300_000) * quantity
        net = None if gross else price
        amount = price if net is None else net + tax_on(net, rate)
        lines.append({
            "id": f"l{number}", "kind": "goods", "sku": chance.choice(SKUS), "rate": rate,
            "quantity": str(quantity), "amount": format_decimal(amount), "net": net,
        })  # fmt: skip
    if chance.random() < 0.5:
        cost = format_decimal(chance.randint(0, 50_000))
        lines.append({
            "id": "shipping-0", "kind": "delivery", "sku": None, "rate": 20, "quantity": "1",
            "amount": cost, "net": None,
        })  # fmt: skip
    spend = chance.choice((None, "max", f"{chance.randint(1, 20)}.00"))
    return {"gross": gross, "lines": lines, "spend": spend}


def tax_on(net: int, rate: int) -> int:
    """As WooCommerce rounds the tax of a line, half up."""
    return (net * rate * 2 + 100) // 200


def asked(cart: dict[str, Any]) -> dict[str, Any]:
    lines = [
        {name: line[name] for name in ("id", "kind", "sku", "quantity", "amount") if line[name]}
        for line in cart["lines"]
    ]
    return {"currency": "RUB", "member": ACCOUNT, "lines": lines, "spend": cart["spend"]}


def allotted(carts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    php = needed("php", "php-cli")
    done = subprocess.run(
        [php, ALLOT], input=json.dumps(carts), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def money(minor: int) -> str:
    return format_decimal(minor)


def order_item(cart: dict[str, Any], line: dict[str, Any], number: int, parts: Any) -> Any:
    """The line of the order as WooCommerce keeps it: without tax, and the tax beside it."""
    off = sum(by_line.get(line["id"], 0) for by_line in parts["coupons"].values())
    amount, rate = int(Decimal(line["amount"]) * 100), line["rate"]
    if cart["gross"] or line["net"] is None:
        left = amount - off
        # The tax within, rounded half up.
        taxes = [(whole * rate * 2 + 100 + rate) // (2 * (100 + rate)) for whole in (left, amount)]
        total, subtotal = left - taxes[0], amount - taxes[1]
    else:
        total, subtotal = line["net"] - off, line["net"]
        taxes = [tax_on(total, rate), tax_on(subtotal, rate)]
    notes = [("_loyalty_hub_line", line["id"])]
    told = parts["told"].get(line["id"])
    if told is not None:
        notes += [(f"_loyalty_hub_{name}", money(told[name])) for name in ("discount", "spend")]
    return {
        "id": number, "name": "x", "method_title": "x", "product_id": 1, "variation_id": 0,
        "quantity": int(line["quantity"]), "sku": line["sku"] or "", "meta_data": meta(*notes),
        "subtotal": money(subtotal), "subtotal_tax": money(taxes[1]),
        "total": money(total), "total_tax": money(taxes[0]),
    }  # fmt: skip


def order_of(cart: dict[str, Any], parts: Any, number: int) -> dict[str, Any]:
    items = [
        (line["kind"], order_item(cart, line, place, parts))
        for place, line in enumerate(cart["lines"], start=1)
    ]
    goods = [item for kind, item in items if kind == "goods"]
    off = {code: sum(by_line.values()) for code, by_line in parts["coupons"].items()}
    lost = [
        sum(Decimal(item[name]) for name in ("subtotal", "subtotal_tax"))
        - sum(Decimal(item[name]) for name in ("total", "total_tax"))
        for item in goods
    ]
    # Where prices hold no tax, the coupon's own tax is what the lines lost beyond its sum.
    beyond = sum(lost) - Decimal(sum(off.values())) / 100
    coupons = [
        {"id": 90 + place, "code": code, "discount": money(sum_), "meta_data": [],
         "discount_tax": str(beyond) if place == 0 else "0"}
        for place, (code, sum_) in enumerate(off.items())
    ]  # fmt: skip
    points = cart["answer"]["points"]["spend"]
    notes = [("_loyalty_hub_points_spent", points)] if Decimal(points) else []
    notes += [("_loyalty_hub_spend", cart["answer"]["totals"]["spend"])] if notes else []
    return order(
        id=number, number=str(number), customer_id=2, line_items=goods, coupon_lines=coupons,
        shipping_lines=[item for kind, item in items if kind == "delivery"],
        fee_lines=[], refunds=[], meta_data=meta(*notes), billing={},
    )  # fmt: skip


def booked(hub: Any) -> dict[str, dict[str, dict[str, str]]]:
    """The lines of the books, by order and id; money in decimals."""
    columns = ("amount_minor", "discount_minor", "spend_minor", "paid_minor", "earned_points")
    query = select(
        purchases.c.external_id, purchase_lines.c.id, *[purchase_lines.c[name] for name in columns]
    ).join(purchase_lines, purchase_lines.c.purchase_id == purchases.c.id)
    found: dict[str, dict[str, dict[str, str]]] = {}
    with read(hub.engine) as connection:
        for order_id, line_id, *sums in connection.execute(query):
            named = {
                name.rpartition("_")[0]: format_decimal(one)
                for name, one in zip(columns, sums, strict=True)
            }
            found.setdefault(order_id, {})[line_id] = named
    return found


def check(cart: dict[str, Any], lines: dict[str, dict[str, str]]) -> None:
    """Where prices hold no tax, some sums are no price with its tax: a line is a kopeck less."""
    told = {one["id"]: one for one in cart["answer"]["lines"]}
    assert lines.keys() == told.keys()
    for name, line in lines.items():
        quoted = told[name]
        assert (line["amount"], line["spend"]) == (quoted["amount"], quoted["spend"])
        less = Decimal(quoted["payable"]) - Decimal(line["paid"])
        assert less in ((0,) if cart["gross"] else (0, Decimal("0.01"))), (cart, lines)
        assert Decimal(line["discount"]) - Decimal(quoted["discount"]) == less


@pytest.fixture
def hub(sqlite_engine: Any) -> Any:
    return make_hub(sqlite_engine, clock=FixedClock(), quote_deadline_ms=20_000)


def test_discounts_that_go_back_to_the_checkout_equal_the_books_in_500_random_baskets(hub):
    chance, now = random.Random(SEED), hub.clock.now()
    rules = {**default_rules(earn_percent=5, spend_limit_percent=30), "promotions": PROMOTIONS}
    with write(hub.engine) as connection:
        programme = create_programme(
            connection, code="demo", document=rules, author="test", now=now
        ).id
    caller = Caller(create_app(hub), new_key(hub, programme).key)
    member = caller.post("/members", {"external": ACCOUNT["external"]}).get_json()["id"]
    start = {"amount": "9000000.00", "currency": "points", "reason": "start"}
    key = {"Idempotency-Key": "start"}
    assert caller.post(f"/members/{member}/adjustments", start, headers=key).status_code == 201

    carts = [basket(chance) for _ in range(BASKETS)]
    for cart in carts:
        answer = caller.post("/quotes", asked(cart))
        assert answer.status_code == 200, answer.get_json()
        cart["answer"] = answer.get_json()
    orders = [
        order_of(cart, parts, number)
        for number, (cart, parts) in enumerate(zip(carts, allotted(carts), strict=True), start=1)
    ]

    source = Source(programme, SHOP)
    events = [Incoming(source, purchase(one)) for one in orders]
    for start_at in range(0, BASKETS, 50):
        with write(hub.engine) as connection:
            record_events(connection, hub.plans, events[start_at : start_at + 50], now=now)

    books = booked(hub)
    for number, cart in enumerate(carts, start=1):
        check(cart, books[str(number)])
    spent = sum(Decimal(cart["answer"]["points"]["spend"]) for cart in carts)
    earned = sum(Decimal(line["earned"]) for lines in books.values() for line in lines.values())
    assert min(spent, earned) > 1000
    balance = caller.get(f"/members/{member}").get_json()["balance"]["available"]
    assert Decimal(balance) == Decimal("9000000.00") - spent + earned
