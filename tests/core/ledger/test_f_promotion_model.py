"""Random histories under limits: what is given, and what counters say, by a slow sum over all."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from loyalty_kit.events import Purchase, PurchaseStatus, Refund
from tests.core.ledger.model import MOSCOW, half_up, returned
from tests.core.ledger.test_f_promotion_limits import double, limit, off
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, HOUR, Shop, open_programme, rules
from tests.support.lines import back, basket, line

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
PLAYED = settings(
    report_multiple_bugs=False,
    max_examples=200 if LONG else 12,
    stateful_step_count=40 if LONG else 15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LIMITS = {
    "off": [limit("money", "60.00"), limit(most="3", per="member", period="month")],
    "x2": [limit("points", "400.00"), limit(most="4", per="shop", period="day")],
}
AMOUNTS = st.lists(st.integers(1, 30).map(lambda tens: tens * 10_00), min_size=1, max_size=3)


def same_period(period: str, one: datetime, other: datetime) -> bool:
    own, others = ((at + MOSCOW).strftime("%Y-%m-%d") for at in (one, other))
    length = {"ever": 0, "month": 7, "day": 10}[period]
    return own[:length] == others[:length]


@dataclass(eq=False)
class Given:
    """What a promotion gave one hold or purchase: by line, and since when it counts."""

    promotion: str
    by: str
    at: datetime
    by_line: dict[str, int]
    sale: Sale | None = None

    @property
    def left(self) -> int:
        if self.sale is None:
            return sum(self.by_line.values())
        if self.sale.event.status is not PurchaseStatus.PAID:
            return 0
        share = returned(self.sale.event, self.sale.refunds)
        came = sum((part * share[name] for name, part in self.by_line.items()), Fraction(0))
        return sum(self.by_line.values()) - half_up(came)


@dataclass
class Sale:
    event: Purchase
    refunds: list[Refund] = field(default_factory=list)


@dataclass
class Cart:
    hold: Any
    by: str
    given: list[Given]


class Histories(RuleBasedStateMachine):
    """Each kopeck paid earns a hundredth of a point, so a line's extra points are its payable."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.given: list[Given] = []
        self.carts: dict[str, Cart] = {}
        self.sales: list[Sale] = []

    @initialize()
    def begin(self) -> None:
        self.shop: Shop = open_programme(self.engine, rules(earn="100"))
        self.shop.tell(*(self.shop.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
        self.shop.advance(hours=1)
        promotions = [off(*LIMITS["off"]), double(*LIMITS["x2"])]
        self.shop.publish(rules(earn="100") | {"promotions": promotions})

    # --- the slow sum -------------------------------------------------------------------------

    def used(self, promotion: str, wanted: dict[str, Any], by: str, at: datetime) -> int:
        own = [
            one
            for one in self.given
            if one.promotion == promotion
            and (wanted["per"] != "member" or one.by == by)
            and same_period(wanted["period"], one.at, at)
        ]
        if wanted["of"] == "uses":
            return sum(1 for one in own if one.left)
        return sum(one.left for one in own)

    def may_give(self, promotion: str, by: str, amount: int) -> int:
        for one in LIMITS[promotion]:
            is_use = one["of"] == "uses"
            most = int(Fraction(one["most"]) * (1 if is_use else 100))
            left = max(0, most - self.used(promotion, one, by, self.shop.now))
            amount = amount * bool(left) if is_use else min(amount, left)
        return amount

    def give(self, promotion: str, by: str, by_line: dict[str, int]) -> Given:
        self.given.append(Given(promotion, by, self.shop.now, by_line))
        return self.given[-1]

    # --- what happens -------------------------------------------------------------------------

    @rule(amounts=AMOUNTS, by=st.sampled_from([ANNA, BORIS]), minutes=st.sampled_from([5, 900]))
    def holds(self, amounts: list[int], by: str, minutes: int) -> None:
        self._place(f"cart-{next(self.numbers)}", amounts, by, minutes)

    @rule(amounts=AMOUNTS, data=st.data())
    @precondition(lambda self: self.carts)
    def holds_again(self, amounts: list[int], data: st.DataObject) -> None:
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        by = self.carts[cart].by
        self._let_go(cart)
        self._place(cart, amounts, by, 900)

    @rule(data=st.data())
    @precondition(lambda self: self.carts)
    def releases(self, data: st.DataObject) -> None:
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        self.shop.release(self.carts[cart].hold)
        self._let_go(cart)

    @rule(data=st.data(), hours=st.sampled_from([0, 0, 9]))
    @precondition(lambda self: self.carts)
    def pays(self, data: st.DataObject, hours: int) -> None:
        """Also after midnight: what the hold took stays where it was counted."""
        name = data.draw(st.sampled_from(sorted(self.carts)))
        if self.shop.now + hours * HOUR < self.carts[name].hold.expires_at:
            self._time(hours)
        cart = self.carts.pop(name)
        lines = tuple(
            line(one.id, one.amount_minor, discount=one.discount_minor)
            for one in cart.hold.quote.lines
        )
        sale = self._sale(lines=lines, by=cart.by, hold=cart.hold.id)
        for one in cart.given:
            one.sale = sale

    @rule(amounts=AMOUNTS, by=st.sampled_from([ANNA, BORIS]))
    def buys(self, amounts: list[int], by: str) -> None:
        extra = self.may_give("x2", by, sum(amounts))
        sale = self._sale(*amounts, by=by)
        rows = self.shop.kept_lines(sale.event.external_id)
        by_line = {row["id"]: row["earned_points"] - row["paid_minor"] for row in rows}
        assert sum(by_line.values()) == extra
        self.give("x2", by, by_line).sale = sale

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def brings_back(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        whole = data.draw(st.sampled_from([None, *sale.event.lines]))
        if whole is None:
            paid = sum(one.paid_minor for one in sale.event.lines)
            amount, parts = data.draw(st.integers(1, paid)), ()
        else:
            amount, parts = whole.paid_minor, (back(whole.id, whole.paid_minor),)
        refund = self.shop.refund(
            f"R{next(self.numbers)}", amount, purchase=sale.event.external_id, lines=parts
        )
        self.shop.tell(refund)
        sale.refunds.append(refund)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def cancels(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        gone = {"status": PurchaseStatus.CANCELLED, "revision": sale.event.revision + 1}
        sale.event = replace(sale.event, **gone)
        self.shop.tell(sale.event)

    @rule(hours=st.sampled_from([1, 11, 24, 24 * 17]))
    def time_goes_by(self, hours: int) -> None:
        self._time(hours)

    # --- what is always true ------------------------------------------------------------------

    @invariant()
    def counters_are_the_sum_of_what_stands(self) -> None:
        if not hasattr(self, "shop"):
            return
        for promotion, limits in LIMITS.items():
            own = [one for one in self.given if one.promotion == promotion]
            for one in limits:
                uses = one["of"] == "uses"
                expected = sum(bool(given.left) if uses else given.left for given in own)
                assert self.shop.used(promotion, one["of"]) == expected, (promotion, one)

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            assert_books_add_up(self.shop)

    # --- inside -------------------------------------------------------------------------------

    def _place(self, cart: str, amounts: list[int], by: str, minutes: int) -> None:
        wanted = self.may_give("off", by, sum(amounts) // 10)
        extra = self.may_give("x2", by, sum(amounts) - wanted)
        hold = self.shop.hold_lines(basket(*amounts), by=by, cart=cart, ttl_s=minutes * 60)
        lines = hold.quote.lines
        taken = {one.id: one.discount_minor for one in lines}
        earned = {one.id: one.earn_points - one.payable_minor for one in lines}
        assert (sum(taken.values()), sum(earned.values())) == (wanted, extra)
        given = [self.give("off", by, taken), self.give("x2", by, earned)]
        self.carts[cart] = Cart(hold, by, given)

    def _let_go(self, cart: str) -> None:
        gone = self.carts.pop(cart).given
        self.given = [one for one in self.given if one not in gone]

    def _sale(self, *amounts: int, **said: Any) -> Sale:
        sale = Sale(self.shop.purchase(f"P{next(self.numbers)}", *amounts, **said))
        (told,) = self.shop.tell(sale.event)
        assert "budget_exceeded" not in told.flags
        self.sales.append(sale)
        return sale

    def _time(self, hours: int) -> None:
        self.shop.now += hours * HOUR
        self.shop.keep_up()
        for cart in [
            name for name, one in self.carts.items() if one.hold.expires_at <= self.shop.now
        ]:
            self._let_go(cart)


def test_random_histories_keep_to_the_limits(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
