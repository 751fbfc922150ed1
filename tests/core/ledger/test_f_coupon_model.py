"""Random histories of coupons: who gets a use, and what counters say, by a slow list of uses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from loyalty_core.service.coupons import block_coupon
from loyalty_kit.events import Purchase, PurchaseStatus, Refund
from tests.core.ledger.model import half_up, returned
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import discount, off
from tests.core.ledger.test_f_promotion_model import PLAYED
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, basket, line

AMOUNTS = st.lists(st.integers(1, 30).map(lambda tens: tens * 10_00), min_size=1, max_size=3)
BUYERS = st.sampled_from([ANNA, BORIS])
MOST = {"once": 1, "many": 3}


@dataclass
class Code:
    """A coupon as the model has it."""

    text: str
    series: str
    owner: str | None
    blocked: bool = False

    @property
    def most(self) -> int:
        return MOST[self.series]


@dataclass
class Cart:
    """A live hold, or one that has ended; `code` is what it was promised by."""

    hold: Any
    by: str
    asked: Code
    code: Code | None


@dataclass
class Sale:
    """`given` by line: what the promotion took off by a hold; None: the till told of the code."""

    event: Purchase
    code: Code | None
    given: dict[str, int] | None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def uses_it(self) -> bool:
        """A promised use stands while anything of the discount does, a till's while goods do."""
        if self.code is None or self.event.status is not PurchaseStatus.PAID:
            return False
        share = returned(self.event, self.refunds)
        if self.given is None:
            return any(share[one.id] < 1 for one in self.event.lines)
        came = sum((part * share[name] for name, part in self.given.items()), Fraction(0))
        return sum(self.given.values()) > half_up(came)


class Histories(RuleBasedStateMachine):
    """10 % off for a coupon of either series; a code of each is anybody's, another is Anna's."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.carts: dict[str, Cart] = {}
        self.ended: list[Cart] = []
        self.sales: list[Sale] = []

    @initialize()
    def begin(self) -> None:
        promotions = [off(id=name, coupon=name) for name in MOST]
        kinds = [series(name, uses=most) for name, most in MOST.items()]
        document = rules() | {"promotions": promotions, "coupons": kinds}
        self.shop: Shop = open_programme(self.engine, document)
        self.shop.tell(*(self.shop.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
        self.shop.advance(hours=1)
        self.codes = [
            Code(self.shop.make_coupons(name, by=owner)[0], name, owner)
            for name in MOST
            for owner in (None, ANNA)
        ]

    # --- the slow list ------------------------------------------------------------------------

    def used(self, code: Code) -> int:
        holds = sum(1 for cart in self.carts.values() if cart.code is code)
        return holds + sum(1 for sale in self.sales if sale.code is code and sale.uses_it)

    def is_for(self, code: Code, by: str) -> bool:
        return not code.blocked and code.owner in (None, by)

    # --- what happens -------------------------------------------------------------------------

    @rule(amounts=AMOUNTS, by=BUYERS, number=st.integers(0, 3), minutes=st.sampled_from([5, 900]))
    def holds(self, amounts: list[int], by: str, number: int, minutes: int) -> None:
        self._place(f"cart-{next(self.numbers)}", amounts, by, self.codes[number], minutes)

    @rule(amounts=AMOUNTS, data=st.data(), number=st.integers(0, 3))
    @precondition(lambda self: self.carts)
    def holds_again(self, amounts: list[int], data: st.DataObject, number: int) -> None:
        """Its own reservation is free for the cart's new hold, and for nobody else's."""
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        by = self.carts.pop(cart).by
        self._place(cart, amounts, by, self.codes[number], 900)

    @rule(data=st.data())
    @precondition(lambda self: self.carts)
    def releases(self, data: st.DataObject) -> None:
        self.shop.release(self.carts.pop(data.draw(st.sampled_from(sorted(self.carts)))).hold)

    @rule(data=st.data())
    @precondition(lambda self: self.carts)
    def pays(self, data: st.DataObject) -> None:
        """Whatever became of the code since: what the hold promised stands."""
        cart = self.carts.pop(data.draw(st.sampled_from(sorted(self.carts))))
        assert self._pay(cart) == ()

    @rule(data=st.data())
    @precondition(lambda self: self.ended)
    def pays_late(self, data: st.DataObject) -> None:
        """The hold has ended and its use was given back; perhaps another has it by now."""
        cart = self.ended.pop(data.draw(st.integers(0, len(self.ended) - 1)))
        over = cart.code is not None and self.used(cart.code) >= cart.code.most
        wanted = {"hold_expired", "coupon_overused"} if over else {"hold_expired"}
        assert set(self._pay(cart)) == wanted

    @rule(amounts=AMOUNTS, by=BUYERS, number=st.integers(0, 3))
    def sells(self, amounts: list[int], by: str, number: int) -> None:
        """A till gives what it likes; that is a fact, and may be flagged."""
        code = self.codes[number]
        wanted = {"coupon_overused"} if self.used(code) >= code.most else set()
        wanted |= set() if self.is_for(code, by) else {"coupon_invalid"}
        lines = tuple(
            line(str(at), amount, discount=amount // 10) for at, amount in enumerate(amounts, 1)
        )
        assert set(self._sale(code, None, lines=lines, by=by, coupons=(code.text,))) == wanted

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def brings_back(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        whole = data.draw(st.sampled_from([None, *sale.event.lines]))
        if whole is None:
            paid = sum(one.paid_minor for one in sale.event.lines)
            amount, parts = data.draw(st.sampled_from([paid, paid // 2, 1])), ()
        else:
            amount, parts = whole.paid_minor, (back(whole.id, whole.paid_minor),)
        refund = self.shop.refund(
            f"R{next(self.numbers)}", amount, purchase=sale.event.external_id, lines=parts
        )
        self.shop.tell(refund)
        sale.refunds.append(refund)

    @rule(data=st.data(), status=st.sampled_from([PurchaseStatus.CANCELLED, PurchaseStatus.PAID]))
    @precondition(lambda self: self.sales)
    def cancels_or_restores(self, data: st.DataObject, status: PurchaseStatus) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        sale.event = replace(sale.event, status=status, revision=sale.event.revision + 1)
        self.shop.tell(sale.event)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def is_told_again(self, data: st.DataObject) -> None:
        """The same report once more changes nothing."""
        before = self.shop.snapshot()
        self.shop.tell(data.draw(st.sampled_from(self.sales)).event)
        assert self.shop.snapshot() == before

    @rule(number=st.integers(0, 3))
    def blocks_or_unblocks(self, number: int) -> None:
        code = self.codes[number]
        code.blocked = not code.blocked
        said = (self.shop.programme_id, code.text)
        self.shop.do(
            lambda c: block_coupon(
                c, *said, blocked=code.blocked, author="owner", now=self.shop.now
            )
        )

    @rule(minutes=st.sampled_from([6, 400]))
    def time_goes_by(self, minutes: int) -> None:
        self.shop.advance(minutes=minutes)
        self.shop.keep_up()
        for name, cart in list(self.carts.items()):
            if cart.hold.expires_at <= self.shop.now:
                self.ended.append(self.carts.pop(name))

    # --- what is always true ------------------------------------------------------------------

    @invariant()
    def counters_are_the_uses_that_stand(self) -> None:
        if not hasattr(self, "codes"):
            return
        for code in self.codes:
            row, used = self.shop.coupon(code.text), self.used(code)
            assert (row["uses"], row["over"]) == (min(used, code.most), max(0, used - code.most))

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            assert_books_add_up(self.shop)

    # --- inside -------------------------------------------------------------------------------

    def _place(self, cart: str, amounts: list[int], by: str, code: Code, minutes: int) -> None:
        good = self.is_for(code, by) and self.used(code) < code.most
        hold = self.shop.hold_lines(
            basket(*amounts), by=by, cart=cart, ttl_s=minutes * 60, coupons=(code.text,)
        )
        assert discount(hold.quote) == (sum(amounts) // 10 if good else 0)
        self.carts[cart] = Cart(hold, by, code, code if good else None)

    def _pay(self, cart: Cart) -> tuple[str, ...]:
        lines = tuple(
            line(one.id, one.amount_minor, discount=one.discount_minor)
            for one in cart.hold.quote.lines
        )
        given = {one.id: one.discount_minor or 0 for one in lines}
        said = {"by": cart.by, "hold": cart.hold.id, "coupons": (cart.asked.text,)}
        return self._sale(cart.code, given, lines=lines, **said)

    def _sale(self, code: Code | None, given: dict[str, int] | None, **said: Any) -> Any:
        event = self.shop.purchase(f"P{next(self.numbers)}", **said)
        (told,) = self.shop.tell(event)
        self.sales.append(Sale(event, code, given))
        return told.flags


def test_random_histories_count_each_use(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
