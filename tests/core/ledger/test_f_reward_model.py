"""Random histories of rewards: who gets a piece, and what it costs, by a slow list of orders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from loyalty_core.domain.errors import (
    KeyReused,
    LoyaltyError,
    NoneLeft,
    NotEnoughPoints,
    OrderCancelled,
    OrderHandedOut,
    RewardLimit,
)
from loyalty_core.service.order_rewards import (
    Ordered,
    Wish,
    cancel_order,
    hand_out_order,
    order_reward,
)
from loyalty_core.service.reward_shelf import change_stock, show_shelf
from loyalty_core.store.database import read
from loyalty_core.store.ids import to_wire
from tests.core.ledger.test_f_promotion_model import PLAYED
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Shop, open_programme, rules

PRICES = {"mug": 100_00, "hat": 30_00}
MOST = {"mug": None, "hat": 2}
MEMBERS = st.sampled_from([ANNA, BORIS])
REWARDS = st.sampled_from(sorted(PRICES))


@dataclass
class Wanted:
    """An order as the model has it."""

    by: str
    reward: str
    key: str
    made: Any
    state: str = "ordered"


class Histories(RuleBasedStateMachine):
    """Two rewards for two members, one of whom may be merged into the other.  Points live for
    ever, so what a member has is what was given, less the orders that stand."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.numbers = count(1)

    @initialize()
    def begin(self) -> None:
        catalogue = [
            {
                "code": name,
                "name": name,
                "kind": "gift",
                "price": f"{price // 100}.00",
                "per_member": MOST[name],
            }
            for name, price in PRICES.items()
        ]
        document = rules(life_days=None) | {"reward_catalogue": catalogue}
        self.shop: Shop = open_programme(self.engine, document)
        self.shop.tell(*(self.shop.purchase(f"first-{by}", 1_00, by=by) for by in (ANNA, BORIS)))
        self.given = {ANNA: 10, BORIS: 10}
        self.put = dict.fromkeys(PRICES, 0)
        self.home = {ANNA: ANNA, BORIS: BORIS}
        self.orders: list[Wanted] = []

    # --- the slow list ------------------------------------------------------------------------

    def standing(self, reward: str, by: str | None = None) -> int:
        return sum(
            1
            for one in self.orders
            if one.reward == reward and one.state != "cancelled" and by in (None, self.home[one.by])
        )

    def has(self, by: str) -> int:
        own = sum(points for name, points in self.given.items() if self.home[name] == by)
        return own - sum(PRICES[name] * self.standing(name, by) for name in PRICES)

    def refusal(self, by: str, reward: str) -> type[LoyaltyError] | None:
        most = MOST[reward]
        if most is not None and self.standing(reward, by) >= most:
            return RewardLimit
        if self.standing(reward) >= self.put[reward]:
            return NoneLeft
        return NotEnoughPoints if self.has(by) < PRICES[reward] else None

    # --- what happens -------------------------------------------------------------------------

    @rule(by=MEMBERS, points=st.sampled_from([20_00, 130_00, 250_00]))
    def is_given(self, by: str, points: int) -> None:
        self.shop.advance(hours=1)
        self.shop.adjust(points, f"gift {next(self.numbers)}", by)
        self.given[by] += points

    @rule(by=MEMBERS, paid=st.sampled_from([50_00, 999_00]))
    def buys(self, by: str, paid: int) -> None:
        """10 % comes back, as purchases among the orders."""
        self.shop.buy(f"P{next(self.numbers)}", paid, by=by)
        self.given[by] += paid // 10

    @rule(reward=REWARDS, pieces=st.integers(1, 3))
    def come(self, reward: str, pieces: int) -> None:
        self._stock(reward, add=pieces)
        self.put[reward] += pieces

    @rule(reward=REWARDS, left=st.integers(0, 2))
    def are_counted(self, reward: str, left: int) -> None:
        self._stock(reward, left=left)
        self.put[reward] = self.standing(reward) + left

    @rule(by=MEMBERS, reward=REWARDS)
    def orders_one(self, by: str, reward: str) -> None:
        key = f"O{next(self.numbers)}"
        refusal = self.refusal(self.home[by], reward)
        if refusal is not None:
            before = self.shop.snapshot()
            with pytest.raises(refusal):
                self._order(by, reward, key)
            assert self.shop.snapshot() == before
            return
        done = self._order(by, reward, key)
        self.orders.append(Wanted(by, reward, key, done.order))
        assert done.balance.available == self.has(self.home[by])

    @rule(data=st.data(), by=MEMBERS, reward=REWARDS)
    @precondition(lambda self: self.orders)
    def says_it_again(self, data: st.DataObject, by: str, reward: str) -> None:
        """The same key: the same order, or a refusal where it means another."""
        one = data.draw(st.sampled_from(self.orders))
        before = self.shop.snapshot()
        if (self.home[by], reward) == (self.home[one.by], one.reward):
            again = self._order(by, reward, one.key).order
            assert (again.id, again.state) == (one.made.id, one.state)
        else:
            with pytest.raises(KeyReused):
                self._order(by, reward, one.key)
        assert self.shop.snapshot() == before

    @rule(data=st.data())
    @precondition(lambda self: self.orders)
    def cancels(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.orders))
        if one.state == "handed_out":
            with pytest.raises(OrderHandedOut):
                self._cancel(one)
            return
        self._cancel(one)
        one.state = "cancelled"

    @rule(data=st.data())
    @precondition(lambda self: self.orders)
    def is_handed_out(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.orders))
        refusal = {"handed_out": OrderHandedOut, "cancelled": OrderCancelled}.get(one.state)
        if refusal is not None:
            with pytest.raises(refusal):
                self._hand_out(one)
            return
        assert self._hand_out(one).state == "handed_out"
        one.state = "handed_out"

    @rule()
    @precondition(lambda self: self.home[BORIS] == BORIS)
    def turn_out_to_be_one(self) -> None:
        self.shop.merge(BORIS, into=ANNA)
        self.home[BORIS] = ANNA

    # --- what is always true ------------------------------------------------------------------

    @invariant()
    def pieces_and_points_are_those_of_the_orders_that_stand(self) -> None:
        if not hasattr(self, "orders"):
            return
        with read(self.engine) as connection:
            shelf = show_shelf(connection, self.shop.plans, self.shop.programme_id)
        left = {one.item.code: one.left for one in shelf}
        assert left == {name: self.put[name] - self.standing(name) for name in PRICES}
        for by in set(self.home.values()):
            assert self.shop.figures(by).available == self.has(by)

    def teardown(self) -> None:
        if hasattr(self, "orders"):
            assert_books_add_up(self.shop)
            assert self.shop.rebuild() == 0

    # --- inside -------------------------------------------------------------------------------

    def _order(self, by: str, reward: str, key: str) -> Ordered:
        said = (self.shop.plans, self.shop.programme_id, self.shop.wire(by))
        wish = Wish(reward, key, "site")
        return self.shop.do(lambda c: order_reward(c, *said, wish, now=self.shop.now))

    def _cancel(self, one: Wanted) -> None:
        said = (self.shop.plans, self.shop.programme_id, to_wire("ro", one.made.id))
        self.shop.do(lambda c: cancel_order(c, *said, author="site", now=self.shop.now))

    def _hand_out(self, one: Wanted) -> Any:
        said = (self.shop.programme_id, one.made.code)
        return self.shop.do(lambda c: hand_out_order(c, *said, author="till", now=self.shop.now))

    def _stock(self, reward: str, **said: int) -> None:
        own = (self.shop.plans, self.shop.programme_id, reward)
        self.shop.do(lambda c: change_stock(c, *own, author="owner", now=self.shop.now, **said))


def test_random_histories_keep_stock_and_points_together(engine: Engine):
    run_state_machine_as_test(lambda: Histories(engine), settings=PLAYED)
