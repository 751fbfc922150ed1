"""Random histories of gift certificates: what is on each follows from the facts alone.

The model keeps sales, purchases with their refunds, and carts; it knows nothing of movements.
"""

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

from loyalty_kit.events import CertificateUse, Purchase, PurchaseStatus, Refund
from loyalty_kit.money import format_decimal, prorate
from tests.core.ledger.model import half_up, returned
from tests.core.ledger.test_f_certificates import gift, sale
from tests.core.ledger.test_f_promotion_model import PLAYED
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules
from tests.support.lines import back, basket, line

AMOUNTS = st.lists(st.integers(1, 30).map(lambda roubles: roubles * 99), min_size=1, max_size=3)
BUYERS = st.sampled_from([ANNA, BORIS, None])
LOAD = 2000


@dataclass
class Cart:
    """A live hold, and what it reserved of each certificate."""

    hold: Any
    by: str | None
    reserved: dict[str, int]


@dataclass
class Sale:
    """A purchase, what it was paid with, and which certificate it sells (by its first line)."""

    event: Purchase
    paid: dict[str, int] = field(default_factory=dict)
    sold: str | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def shares(self) -> dict[str, Fraction]:
        return returned(self.event, self.refunds)

    @property
    def counts(self) -> bool:
        return self.event.status is PurchaseStatus.PAID

    def stands_paid(self, code: str) -> int:
        if not self.counts or code not in self.paid:
            return 0
        goods = [one for one in self.event.lines if one.certificate is None]
        parts = prorate(self.paid[code], [one.paid_minor for one in goods])
        came = sum(
            (part * self.shares[one.id] for one, part in zip(goods, parts, strict=True)),
            Fraction(0),
        )
        return self.paid[code] - half_up(came)

    def stands_loaded(self, code: str) -> int:
        if not self.counts or self.sold != code:
            return 0
        first = self.event.lines[0]
        return first.amount_minor - half_up(first.amount_minor * self.shares[first.id])


class Histories(RuleBasedStateMachine):
    """Three certificates of 20.00 that never end, to be topped up; a fourth ends after a day."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.carts: dict[str, Cart] = {}
        self.sales: list[Sale] = []
        self.topped: dict[str, int] = {}

    @initialize()
    def begin(self) -> None:
        kinds = [gift(life_days=None), gift("short", life_days=1)]
        document = rules() | {"certificates": kinds}
        self.shop: Shop = open_programme(self.engine, document)
        self.shop.tell(*(self.shop.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
        self.shop.advance(hours=1)
        self.codes = self.shop.make_certificates(LOAD, 3)
        self.short = self.shop.make_certificates(LOAD, series="short")[0]
        self.topped = dict.fromkeys(self.codes, LOAD)

    # --- what follows from the facts ----------------------------------------------------------

    def net(self, code: str) -> int:
        loaded = self.topped[code] + sum(one.stands_loaded(code) for one in self.sales)
        return loaded - sum(one.stands_paid(code) for one in self.sales)

    def reserved(self, code: str) -> int:
        return sum(cart.reserved.get(code, 0) for cart in self.carts.values())

    def free(self, code: str) -> int:
        return max(0, self.net(code) - self.reserved(code))

    # --- what happens -------------------------------------------------------------------------

    @rule(amounts=AMOUNTS, by=BUYERS, data=st.data(), minutes=st.sampled_from([5, 900]))
    def holds(self, amounts: list[int], by: str | None, data: st.DataObject, minutes: int) -> None:
        self._place(f"cart-{next(self.numbers)}", amounts, by, self._some(data), minutes)

    @rule(amounts=AMOUNTS, data=st.data())
    @precondition(lambda self: self.carts)
    def holds_again(self, amounts: list[int], data: st.DataObject) -> None:
        cart = data.draw(st.sampled_from(sorted(self.carts)))
        by = self.carts.pop(cart).by
        self._place(cart, amounts, by, self._some(data), 900)

    @rule(data=st.data())
    @precondition(lambda self: self.carts)
    def releases(self, data: st.DataObject) -> None:
        self.shop.release(self.carts.pop(data.draw(st.sampled_from(sorted(self.carts)))).hold)

    @rule(data=st.data(), says=st.booleans())
    @precondition(lambda self: self.carts)
    def pays(self, data: st.DataObject, says: bool) -> None:
        """Whether or not it tells of the certificates: what the hold promised stands."""
        cart = self.carts.pop(data.draw(st.sampled_from(sorted(self.carts))))
        lines = tuple(line(one.id, one.amount_minor) for one in cart.hold.quote.lines)
        uses = tuple(CertificateUse(*pair) for pair in cart.reserved.items()) if says else ()
        said = {"by": cart.by, "hold": cart.hold.id, "certificates": uses}
        assert self._sale(cart.reserved, lines=lines, **said) == ()

    @rule(amounts=AMOUNTS, by=BUYERS, data=st.data(), share=st.integers(1, 3))
    def sells(self, amounts: list[int], by: str | None, data: st.DataObject, share: int) -> None:
        """A till takes what it likes; that is a fact, and flagged where it was not there."""
        codes = self._some(data)
        paid = {code: sum(amounts) // share // len(codes) for code in codes}
        paid = {code: minor for code, minor in paid.items() if minor}
        short = any(minor > self.free(code) for code, minor in paid.items())
        uses = tuple(CertificateUse(*pair) for pair in paid.items())
        lines = tuple(line(str(at), amount) for at, amount in enumerate(amounts, 1))
        flags = self._sale(paid, lines=lines, by=by, certificates=uses)
        assert ("certificate_missing" in flags) == short

    @rule(roubles=st.integers(1, 30), by=BUYERS, data=st.data())
    def sells_a_certificate(self, roubles: int, by: str | None, data: st.DataObject) -> None:
        code = data.draw(st.sampled_from(self.codes))
        lines = (sale(code, roubles * 99, nominal=roubles * 99), line("2", 10_00))
        self._sale({}, sold=code, lines=lines, by=by)

    @rule(data=st.data(), minor=st.integers(1, 3000))
    def tops_up(self, data: st.DataObject, minor: int) -> None:
        code, key = data.draw(st.sampled_from(self.codes)), f"key-{next(self.numbers)}"
        for _ in range(2):
            self.shop.top_up(code, minor, key)
        self.topped[code] += minor

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def brings_back(self, data: st.DataObject) -> None:
        sale_ = data.draw(st.sampled_from(self.sales))
        whole = data.draw(st.sampled_from([None, *sale_.event.lines]))
        if whole is None:
            paid = sum(one.paid_minor for one in sale_.event.lines)
            amount, parts = data.draw(st.sampled_from([paid, paid // 2, 1])), ()
        else:
            amount, parts = whole.paid_minor, (back(whole.id, whole.paid_minor),)
        refund = self.shop.refund(
            f"R{next(self.numbers)}", amount, purchase=sale_.event.external_id, lines=parts
        )
        self.shop.tell(refund)
        sale_.refunds.append(refund)

    @rule(data=st.data(), status=st.sampled_from([PurchaseStatus.CANCELLED, PurchaseStatus.PAID]))
    @precondition(lambda self: self.sales)
    def cancels_or_restores(self, data: st.DataObject, status: PurchaseStatus) -> None:
        sale_ = data.draw(st.sampled_from(self.sales))
        sale_.event = replace(sale_.event, status=status, revision=sale_.event.revision + 1)
        self.shop.tell(sale_.event)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def is_told_again(self, data: st.DataObject) -> None:
        """The same report once more changes nothing."""
        before = self.shop.snapshot()
        self.shop.tell(data.draw(st.sampled_from(self.sales)).event)
        assert self.shop.snapshot() == before

    @rule(minor=st.integers(1, 3000), stays=st.booleans())
    def uses_the_one_that_ends(self, minor: int, stays: bool) -> None:
        """What is on it depends on when; that its books agree does not."""
        uses = (CertificateUse(self.short, minor),)
        name = f"P{next(self.numbers)}"
        self.shop.buy(name, minor, certificates=uses)
        if not stays:
            self.shop.bring_back(f"R{next(self.numbers)}", minor, purchase=name)

    @rule(minutes=st.sampled_from([6, 1500]))
    def time_goes_by(self, minutes: int) -> None:
        self.shop.advance(minutes=minutes)
        self.shop.keep_up()
        for name, cart in list(self.carts.items()):
            if cart.hold.expires_at <= self.shop.now:
                self.carts.pop(name)

    # --- what is always true ------------------------------------------------------------------

    @invariant()
    def what_is_on_them_follows_from_the_facts(self) -> None:
        if not hasattr(self, "short"):
            return
        for code in self.codes:
            net, reserved = self.net(code), self.reserved(code)
            seen = self.shop.certificate(code)
            assert seen["reserved"] == format_decimal(reserved)
            assert seen["balance"] == format_decimal(max(0, net - reserved))
            assert seen["owed"] == format_decimal(max(0, reserved - net))

    def teardown(self) -> None:
        if hasattr(self, "short"):
            assert_books_add_up(self.shop)
            assert self.shop.rebuild() == 0

    # --- inside -------------------------------------------------------------------------------

    def _some(self, data: st.DataObject) -> list[str]:
        codes = st.lists(st.sampled_from(self.codes), min_size=1, max_size=3, unique=True)
        return data.draw(codes)

    def _place(
        self, cart: str, amounts: list[int], by: str | None, codes: list[str], minutes: int
    ) -> None:
        left, wanted = sum(amounts), {}
        for code in codes:
            part = min(left, self.free(code))
            left -= part
            if part:
                wanted[code] = part
        hold = self.shop.hold_lines(
            basket(*amounts), by=by, cart=cart, ttl_s=minutes * 60, certificates=tuple(codes)
        )
        told = {one.code: one.amount_minor for one in hold.quote.certificates if one.amount_minor}
        assert told == wanted
        self.carts[cart] = Cart(hold, by, wanted)

    def _sale(self, paid: dict[str, int], *, sold: str | None = None, **said: Any) -> Any:
        event = self.shop.purchase(f"P{next(self.numbers)}", **said)
        (told,) = self.shop.tell(event)
        self.sales.append(Sale(event, paid, sold))
        return told.flags


def test_random_histories_leave_what_the_facts_say(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
