"""Random histories of sightings of a few sales through three systems, in any order and told twice,
with late refunds, parted and joined by hand, against a slow and obvious model: after each step the
balance is what the groups, as they stand, come to when each is reckoned from nothing.

Nothing earned is ever missing here (each is given points enough), so a balance is a plain sum.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
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

from loyalty_core.store import linked_sources as links
from loyalty_core.store.linked_sources import LinkedSources
from loyalty_kit.events import FiscalSign, Purchase
from tests.core.ledger.test_d_linking import join, part
from tests.support.books import assert_books_add_up
from tests.support.ledger import DAY, NOW, Figures, Shop, open_programme
from tests.support.lines import back, reduced

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
PLAYED = settings(
    report_multiple_bugs=False,
    max_examples=200 if LONG else 12,
    stateful_step_count=40 if LONG else 14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SOURCES = ("installation:1", "installation:2", "installation:3")
TRUTH = SOURCES[1]
GIVEN = 1000_00
PRICE = 40_00
PIECE = 10_00


@dataclass
class Seen:
    """One record: what its system told of it, and of what came back (amount by name)."""

    number: int
    source: str
    sale: int
    event: Purchase
    back: list[str] = field(default_factory=list)


class Sightings(RuleBasedStateMachine):
    """Each sale is of 40.00, of which 10.00 was paid with points that one record alone tells; each
    return is of a quarter, and a system that tells one tells it once."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)
        self.seen: list[Seen] = []
        self.groups: list[set[int]] = []
        self.apart: set[frozenset[int]] = set()

    @initialize(truth=st.sampled_from([None, TRUTH]))
    def begin(self, truth: str | None) -> None:
        self.shop: Shop = open_programme(self.engine)
        self.truth = truth
        self.shop.buy("gift", GIVEN * 10, at=NOW - 30 * DAY)
        for other in (SOURCES[0], SOURCES[2]):
            one = LinkedSources(other, TRUTH, None, truth)
            self.shop.do(lambda c, one=one: links.declare(c, self.shop.programme_id, one))

    # --- what happens -----------------------------------------------------------------------

    @rule(sale=st.integers(1, 3), source=st.sampled_from(SOURCES), tells=st.booleans())
    def is_seen(self, sale: int, source: str, tells: bool) -> None:
        if any(one.sale == sale and one.source == source for one in self.seen):
            return
        number = next(self.numbers)
        name = f"{source[-1]}-{sale}"
        event = self.shop.purchase(
            name,
            lines=(reduced("1", PRICE, PIECE),),
            points_spent=PIECE if tells else None,
            fiscal=(FiscalSign("9", str(sale), "7"),),
        )
        self.shop.tell(event, source=source)
        self.seen.append(Seen(number, source, sale, event))
        self._place(number)

    @rule(data=st.data())
    @precondition(lambda self: self.seen)
    def is_told_again(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.seen))
        is_new = data.draw(st.booleans())
        if is_new:
            newer = one.event.revision + 1
            one.event = replace(one.event, revision=newer, cashier=f"Vera {newer}")
        self.shop.tell(one.event, source=one.source)
        # A newer word of a record that stands alone may find its like.
        if is_new and len(self._group(one.number)) == 1:
            self._place(one.number)

    @rule(data=st.data(), days=st.integers(0, 2))
    @precondition(lambda self: self.seen)
    def comes_back(self, data: st.DataObject, days: int) -> None:
        """The first return of a sale, as this system tells it; twice, perhaps."""
        one = data.draw(st.sampled_from(self.seen))
        name = f"R-{one.event.external_id}"
        refund = self.shop.refund(
            name,
            7_50,
            at=one.event.occurred_at + days * DAY / 10,
            purchase=one.event.external_id,
            lines=(replace(back("1", 7_50), quantity_milli=250),),
        )
        if name in one.back:
            return
        self.shop.tell(refund, source=one.source)
        assert not self.shop.tell(refund, source=one.source)[0].created
        one.back.append(name)

    @rule(data=st.data())
    @precondition(lambda self: any(len(group) > 1 for group in self.groups))
    def is_parted(self, data: st.DataObject) -> None:
        pairs = [one for one in self.groups if len(one) == 2]
        if not pairs:
            return
        group = data.draw(st.sampled_from(pairs))
        first, last = sorted(group)
        part(self.shop, self._named(last))
        self.groups.remove(group)
        self.groups += [{first}, {last}]
        self.apart.add(frozenset(group))

    @rule(data=st.data())
    @precondition(lambda self: len(self.seen) > 1)
    def is_joined(self, data: st.DataObject) -> None:
        """Only what is of one sale: a person joins what is the same."""
        one = data.draw(st.sampled_from(self.seen))
        like = [other for other in self.seen if other.sale == one.sale and other is not one]
        if not like:
            return
        other = data.draw(st.sampled_from(like))
        join(self.shop, self._named(one.number), self._named(other.number))
        ours, theirs = self._group(one.number), self._group(other.number)
        if ours is not theirs:
            self.groups.remove(theirs)
            ours |= theirs
        self.apart = {pair for pair in self.apart if not pair <= ours}

    # --- what is always true ----------------------------------------------------------------

    @invariant()
    def the_balance_is_what_the_groups_come_to(self) -> None:
        if not hasattr(self, "shop"):
            return
        expected = GIVEN + sum(self._worth(group) for group in self.groups)
        assert self.shop.figures() == Figures(available=expected)

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            assert_books_add_up(self.shop)
            assert self.shop.rebuild() == 0

    # --- the model --------------------------------------------------------------------------

    def _worth(self, group: set[int]) -> int:
        """Of 30.00 that were paid 3.00 comes back in points; a quarter of all is undone if any of
        its systems tells of the return."""
        members = [one for one in self.seen if one.number in group]
        spent = PIECE if any(one.event.points_spent for one in members) else 0
        share = Fraction(3, 4) if any(one.back for one in members) else Fraction(1)
        return int((3_00 - spent) * share)

    def _place(self, number: int) -> None:
        """Into the group of the first record of the same sale that nobody keeps it apart from."""
        (own,) = (one for one in self.seen if one.number == number)
        mine = self._group(number) or {number}
        for other in sorted(self.seen, key=lambda one: one.number):
            if other.sale != own.sale or other.number in mine:
                continue
            group = self._group(other.number)
            if any(frozenset((here, there)) in self.apart for here in mine for there in group):
                continue
            if mine in self.groups:
                self.groups.remove(mine)
            group |= mine
            return
        if mine not in self.groups:
            self.groups.append(mine)

    def _group(self, number: int) -> set[int]:
        return next((group for group in self.groups if number in group), set())

    def _named(self, number: int) -> str:
        return next(one.event.external_id for one in self.seen if one.number == number)


def test_ledger_24_random_sightings_agree_with_the_model(engine: Engine):
    run_state_machine_as_test(lambda: Sightings(engine), settings=PLAYED)
