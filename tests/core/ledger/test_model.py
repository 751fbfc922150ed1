"""Random histories, played to the services and to the model at once; every figure agrees."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

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

from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import Customer, Event, Purchase, PurchaseLine, PurchaseStatus, Refund
from loyalty_kit.money import format_decimal
from tests.core.ledger.model import Lot, Member, Programme, Sale, rebook
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, HOUR, Figures, Shop, open_programme, rules
from tests.support.lines import back, line

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
PLAYED = settings(
    report_multiple_bugs=False,
    max_examples=400 if LONG else 15,
    stateful_step_count=50 if LONG else 15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

LINES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 3), st.integers(0, 40)), min_size=1, max_size=3
)
AGO = st.sampled_from([0, 0, 1, 30, 24 * 8])


class Played:
    """One purchase: what was last said of it, its refunds, and its place at each member."""

    def __init__(self, event: Purchase, owner: str) -> None:
        self.event = event
        self.owner = owner
        self.refunds: dict[str, Refund] = {}
        self.listed: dict[str, Refund] = {}
        self.at: dict[str, Sale] = {}


class Histories(RuleBasedStateMachine):
    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.sales: list[Played] = []
        self.waiting: list[tuple[Purchase, str, Refund]] = []
        self.held: dict[str, tuple[list[tuple[Lot, int]], datetime, object, str]] = {}
        self.told: list[Event] = []
        self.merged = False

    @initialize(
        life=st.integers(2, 12),
        delay=st.integers(0, 2),
        grace=st.sampled_from([0, 3]),
        most_debt=st.sampled_from([None, 0, 3_00]),
    )
    def begin(self, life: int, delay: int, grace: int, most_debt: int | None) -> None:
        document = rules(
            earn="100",
            life_days=life,
            activation_days=delay,
            negative_balance="allow" if most_debt != 0 else "clamp",
            most_debt=format_decimal(most_debt) if most_debt else None,
            give_back_grace_days=grace,
        )
        self.shop: Shop = open_programme(self.engine, document)
        programme = Programme(life, delay, grace, most_debt)
        self.members = {phone: Member(programme) for phone in (ANNA, BORIS)}

    # --- purchases --------------------------------------------------------------------------

    @rule(lines=LINES, by=st.sampled_from([ANNA, BORIS]), ago=AGO)
    def buys(self, lines: Sequence[tuple[int, int, int]], by: str, ago: int) -> None:
        self.tell(self._purchase(lines, by, ago), by)

    @rule(lines=LINES, data=st.data())
    @precondition(lambda self: self.sales)
    def revises(self, lines: Sequence[tuple[int, int, int]], data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        status = data.draw(st.sampled_from([PurchaseStatus.PAID] * 3 + [PurchaseStatus.CANCELLED]))
        every = [*sale.refunds.values(), *sale.listed.values()]
        known = {one.id for refund in every for one in refund.lines}
        fresh = tuple(_line(index, *one) for index, one in enumerate(lines, 1))
        if not known <= {one.id for one in fresh}:
            return
        self.tell(self._revision(sale, lines=fresh, status=status), sale.owner)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def turns_out_to_be_anothers(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        other = BORIS if sale.owner == ANNA else ANNA
        if self.merged:
            return
        self.tell(self._revision(sale, customer=Customer(phone=other)), other)

    # --- refunds ----------------------------------------------------------------------------

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def brings_back(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        refund = self._refund(sale.event, data)
        self.shop.tell(refund)
        self.told.append(refund)
        sale.refunds[refund.external_id] = refund
        self._book(sale, refund.occurred_at)

    @rule(data=st.data())
    @precondition(lambda self: self.sales)
    def lists_a_refund(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from(self.sales))
        refund = self._refund(sale.event, data)
        sale.listed[refund.external_id] = refund
        self._tell_list(sale)

    @rule(data=st.data())
    @precondition(lambda self: any(sale.listed for sale in self.sales))
    def withdraws_a_refund(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from([sale for sale in self.sales if sale.listed]))
        name = data.draw(st.sampled_from(sorted(sale.listed)))
        del sale.listed[name]
        self._tell_list(sale)

    @rule(lines=LINES, by=st.sampled_from([ANNA, BORIS]), data=st.data())
    def brings_back_before_the_purchase_is_known(
        self, lines: Sequence[tuple[int, int, int]], by: str, data: st.DataObject
    ) -> None:
        purchase = self._purchase(lines, by, 1)
        refund = self._refund(purchase, data)
        assert self.shop.tell(refund)[0].status == "waiting"
        self.waiting.append((purchase, by, refund))

    @rule()
    @precondition(lambda self: self.waiting)
    def the_purchase_comes(self) -> None:
        purchase, by, refund = self.waiting.pop(0)
        self.tell(purchase, by)
        self.sales[-1].refunds[refund.external_id] = refund
        self._book(self.sales[-1], refund.occurred_at)

    # --- holds, time, people ----------------------------------------------------------------

    @rule(data=st.data(), by=st.sampled_from([ANNA, BORIS]), minutes=st.sampled_from([5, 600]))
    def holds(self, data: st.DataObject, by: str, minutes: int) -> None:
        member = self.members[by]
        member.settle(self.shop.now)
        if not member.figures[0]:
            return
        points = data.draw(st.integers(1, member.figures[0]))
        cart = f"cart-{next(self.numbers)}"
        big = (BasketLine("held", 1000, 1_000_000),)
        placed = self.shop.hold_lines(big, by=by, cart=cart, spend=points, ttl_s=minutes * 60)
        parts = member.take(points, self.shop.now)
        for lot, part in parts:
            lot.held += part
        self.held[cart] = (parts, placed.expires_at, placed, self._person(by))

    @rule(data=st.data())
    @precondition(lambda self: self.held)
    def releases(self, data: st.DataObject) -> None:
        cart = data.draw(st.sampled_from(sorted(self.held)))
        self.shop.release(self.held[cart][2])
        self._let_go(cart)

    @rule(lines=LINES, data=st.data())
    @precondition(lambda self: self.held)
    def pays_with_a_hold(self, lines: Sequence[tuple[int, int, int]], data: st.DataObject) -> None:
        cart = data.draw(st.sampled_from(sorted(self.held)))
        by = self.held[cart][3]
        purchase = replace(self._purchase(lines, by, 0), cart=cart)
        self.shop.tell(purchase)
        self.told.append(purchase)
        sale = Played(purchase, by)  # holds of the merged are the survivor's already
        self.sales.append(sale)
        self._settle()
        parts, _, _, _ = self.held.pop(cart)
        left = sum(one.spend_minor or 0 for one in purchase.lines)
        place = sale.at.setdefault(by, Sale())
        rest = []
        for lot, part in parts:
            used = min(part, left)
            left -= used
            lot.held -= used
            if used:
                place.took[lot] = place.took.get(lot, 0) + used
            rest.append((lot, part - used))
        if left:
            self.members[by].spend(place, left, purchase.occurred_at, self.shop.now)
        self._free(by, rest)
        self._book(sale, purchase.occurred_at)

    @rule(hours=st.sampled_from([1, 11, 24, 24 * 3, 24 * 15]))
    def time_goes_by(self, hours: int) -> None:
        self.shop.now += hours * HOUR
        self.shop.keep_up()
        self._settle()
        for cart in [cart for cart, held in self.held.items() if held[1] <= self.shop.now]:
            self._let_go(cart)

    @rule(points=st.integers(1, 60), by=st.sampled_from([ANNA, BORIS]))
    def is_given_points(self, points: int, by: str) -> None:
        if self.shop.member(by) is None:
            return
        self.shop.adjust(points, f"gift-{next(self.numbers)}", by=by)
        member = self.members[by]
        member.settle(self.shop.now)
        days = timedelta(days=member.programme.activation_days)
        member.earn(Sale(), points, self.shop.now, self.shop.now)
        gift = member.lots[-1]
        gift.start, gift.active = gift.start - days, True
        member.pay_debts(self.shop.now)

    @rule()
    @precondition(lambda self: self._may_merge())
    def turn_out_to_be_one(self) -> None:
        self.shop.merge(BORIS, into=ANNA)
        self.merged = True
        self._settle()
        anna, boris = self.members[ANNA], self.members[BORIS]
        for lot in boris.lots:
            lot.no = len(anna.lots) + 1
            anna.lots.append(lot)
        anna.pay_debts(self.shop.now)
        self.members[BORIS] = anna
        for sale in self.sales:
            sale.at, sale.owner = {ANNA: sale.at[sale.owner]}, ANNA
        self.held = {cart: (*held[:3], ANNA) for cart, held in self.held.items()}

    @rule(data=st.data())
    @precondition(lambda self: self.told)
    def something_is_told_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.told))
        self._settle_both()
        before = self.shop.snapshot()
        assert not self.shop.tell(event)[0].created
        assert self.shop.snapshot() == before

    # --- what is always true ----------------------------------------------------------------

    @invariant()
    def the_figures_agree(self) -> None:
        if not hasattr(self, "members"):
            return
        for phone, member in self.members.items():
            assert self.shop.figures(phone) == Figures(*member.figures), phone

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            assert_books_add_up(self.shop)

    # --- inside -----------------------------------------------------------------------------

    def tell(self, purchase: Purchase, by: str) -> None:
        """To the services and to the model."""
        by = self._person(by)
        self.shop.tell(purchase)
        self.told = [one for one in self.told if one.external_id != purchase.external_id]
        self.told.append(purchase)
        known = [one for one in self.sales if one.event.external_id == purchase.external_id]
        sale = known[0] if known else Played(purchase, by)
        if not known:
            self.sales.append(sale)
        sale.event = purchase
        self._settle()
        if sale.owner != by:
            gone = replace(purchase, status=PurchaseStatus.CANCELLED)
            times = (purchase.occurred_at, self.shop.now)
            place = sale.at.setdefault(sale.owner, Sale())
            rebook(self.members[sale.owner], place, gone, [], times)
            sale.owner = by
            # What it earns at the other member comes in lots of its own.
            sale.at.setdefault(by, Sale()).earned = 0
        self._book(sale, purchase.occurred_at)

    def _may_merge(self) -> bool:
        """Once, and while no purchase has been at both."""
        apart = all(len(sale.at) == 1 for sale in self.sales)
        return not self.merged and apart and all(map(self.shop.member, (ANNA, BORIS)))

    def _person(self, phone: str) -> str:
        return ANNA if self.merged else phone

    def _book(self, sale: Played, occurred_at: datetime) -> None:
        self._settle()
        refunds = [*sale.refunds.values(), *sale.listed.values()]
        place = sale.at.setdefault(sale.owner, Sale())
        times = (occurred_at, self.shop.now)
        rebook(self.members[sale.owner], place, sale.event, refunds, times)
        self._settle()

    def _settle(self) -> None:
        for member in self.members.values():
            member.settle(self.shop.now)

    def _settle_both(self) -> None:
        self.shop.keep_up()
        self._settle()

    def _let_go(self, cart: str) -> None:
        parts, _, _, by = self.held.pop(cart)
        self._free(by, parts)
        self._settle()

    def _free(self, by: str, parts: Sequence[tuple[Lot, int]]) -> None:
        for lot, part in parts:
            lot.held -= part
            lot.free += part
        self.members[by].pay_debts(self.shop.now)

    def _tell_list(self, sale: Played) -> None:
        refunds = tuple(sale.listed.values())
        self.tell(self._revision(sale, refunds=refunds), sale.owner)

    def _purchase(self, lines: Sequence[tuple[int, int, int]], by: str, ago: int) -> Purchase:
        return self.shop.purchase(
            f"P{next(self.numbers)}",
            by=by,
            at=self.shop.now - ago * HOUR,
            lines=tuple(_line(index, *one) for index, one in enumerate(lines, 1)),
        )

    def _revision(self, sale: Played, **changes: object) -> Purchase:
        return replace(sale.event, revision=sale.event.revision + 1, **changes)

    def _refund(self, purchase: Purchase, data: st.DataObject) -> Refund:
        """Pieces of some lines, told or not, or a sum, or both."""
        parts = []
        for one in purchase.lines:
            pieces = data.draw(st.integers(0, one.quantity_milli // 1000))
            if pieces:
                paid_back = one.paid_minor * pieces * 1000 // one.quantity_milli
                is_told = data.draw(st.booleans())
                parts.append(back(one.id, paid_back, pieces if is_told else None))
        by_line = sum(part.paid_back_minor for part in parts)
        paid = sum(one.paid_minor for one in purchase.lines)
        more = data.draw(st.integers(0, max(0, paid - by_line)))
        return self.shop.refund(
            f"R{next(self.numbers)}",
            by_line + more,
            purchase=purchase.external_id,
            lines=tuple(parts),
        )


def _line(index: int, price: int, pieces: int, spend: int) -> PurchaseLine:
    amount = price * pieces
    return line(str(index), amount, pieces=pieces, spend=min(spend, amount))


def test_random_histories_agree_with_the_model(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
