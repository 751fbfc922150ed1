"""Many at once: 16 threads on PostgreSQL, 8 on SQLite, each in transactions of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from loyalty_core.domain.errors import HoldCaptured, LoyaltyError, MemberExists, NotEnoughPoints
from loyalty_core.service.hold_points import PlacedHold, name_order
from loyalty_core.service.members import NewMember, enrol_member
from tests.support.databases import EVERY_ENGINE
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop

pytestmark = pytest.mark.parametrize("engine", EVERY_ENGINE, indirect=True, scope="session")
Outcome = Any


@pytest.fixture
def crowd(shop: Shop) -> int:
    """How many come at once."""
    return 8 if shop.engine.dialect.name == "sqlite" else 16


def together(jobs: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """Run all at the same moment; each gives its result, or what the core refused it with."""
    gate = Barrier(len(jobs))

    def run(job: Callable[[], Outcome]) -> Outcome:
        gate.wait(timeout=30)
        try:
            return job()
        except LoyaltyError as refused:
            return refused

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def fill(shop: Shop, lots: int, by: str = ANNA) -> None:
    """So many lots of 1.00, each of a day of its own."""
    shop.tell(
        *(
            shop.purchase(f"lot-{by}-{n}", 10_00, by=by, at=NOW - n * DAY)
            for n in range(1, lots + 1)
        )
    )


def test_one_balance_is_spent_by_many_purchases(shop: Shop, crowd: int):
    fill(shop, crowd - 3)
    receipts = together(
        [lambda n=n: shop.buy(f"spend-{n}", 1_00, spent=1_00) for n in range(crowd)]
    )

    assert [receipt.points["spent"] for receipt in receipts] == [1_00] * crowd
    missing = [receipt for receipt in receipts if "points_missing" in receipt.flags]
    assert len(missing) == 3
    assert shop.figures() == Figures(debt=3_00)
    awards, debts = shop.lots()[: crowd - 3], shop.lots()[crowd - 3 :]
    assert [(lot["amount"], lot["free"], lot["held"]) for lot in awards] == [(1_00, 0, 0)] * (
        crowd - 3
    )
    assert [lot["owed"] for lot in debts] == [1_00] * 3


def test_one_receipt_delivered_by_all_books_once(shop: Shop, crowd: int):
    fill(shop, 3)
    receipts = together([lambda: shop.buy("P1", 50_00, spent=2_00) for _ in range(crowd)])

    assert sum(receipt.created for receipt in receipts) == 1
    assert len({receipt.id for receipt in receipts}) == 1
    assert Counter(shop.kinds()) == {"earn": 4, "spend": 1}
    assert shop.figures() == Figures(available=3_00 - 2_00 + 4_80)
    assert shop.free() == [0, 0, 1_00, 4_80]


def test_two_holds_for_the_last_points_and_one_wins(shop: Shop, crowd: int):
    fill(shop, 5)
    outcomes = together(
        [lambda n=n: shop.hold(50_00, cart=f"cart-{n}", spend=5_00) for n in range(crowd)]
    )

    refused = [one for one in outcomes if isinstance(one, NotEnoughPoints)]
    assert len(refused) == crowd - 1
    assert shop.figures() == Figures(held=5_00)
    assert [(lot["free"], lot["held"]) for lot in shop.lots()] == [(0, 1_00)] * 5


def test_one_cart_held_by_all_has_one_live_hold(shop: Shop, crowd: int):
    fill(shop, 5)
    outcomes = together([lambda: shop.hold(50_00, cart="c", spend=3_00) for _ in range(crowd)])

    assert not [one for one in outcomes if isinstance(one, LoyaltyError)]
    assert Counter(hold["state"] for hold in shop.holds()) == {"live": 1, "released": crowd - 1}
    assert shop.figures() == Figures(available=2_00, held=3_00)


def test_one_order_named_of_all_holds_has_one_live_hold(shop: Shop, crowd: int):
    fill(shop, crowd)
    held = [shop.hold(50_00, cart=f"cart-{n}", spend=1_00) for n in range(crowd)]

    def name(hold: PlacedHold) -> PlacedHold:
        return shop.do(lambda c: name_order(c, shop.told_by(), hold.id, "1042", now=shop.now))

    together([lambda hold=hold: name(hold) for hold in held])
    states = Counter(row["state"] for row in shop.holds())
    assert states == {"live": 1, "released": crowd - 1}
    assert shop.figures() == Figures(available=(crowd - 1) * 1_00, held=1_00)


def test_holds_against_forced_spends_never_overspend(shop: Shop, crowd: int):
    fill(shop, 10)
    half = crowd // 2
    jobs: list[Callable[[], Outcome]] = []
    for n in range(half):
        jobs.append(lambda n=n: shop.hold(50_00, cart=f"cart-{n}", spend=3_00))
        jobs.append(lambda n=n: shop.buy(f"spend-{n}", 2_00, spent=2_00))
    outcomes = together(jobs)

    assert all(one.points["spent"] == 2_00 for one in outcomes[1::2])
    won = [one for one in outcomes[::2] if not isinstance(one, NotEnoughPoints)]
    left = 10_00 - 3_00 * len(won) - 2_00 * half
    assert shop.figures() == Figures(
        available=max(left, 0), held=3_00 * len(won), debt=max(-left, 0)
    )
    for lot in shop.lots()[:10]:
        assert 0 <= lot["free"] + lot["held"] <= lot["amount"] == 1_00


def test_purchases_and_their_refunds_at_once(shop: Shop, crowd: int):
    jobs: list[Callable[[], Outcome]] = []
    for n in range(crowd // 2):
        jobs.append(lambda n=n: shop.buy(f"P{n}", 10_00))
        jobs.append(lambda n=n: shop.bring_back(f"R{n}", 4_00, purchase=f"P{n}"))
    together(jobs)

    assert {one["state"] for one in shop.kept_refunds()} == {"booked"}
    assert shop.figures() == Figures(available=60 * (crowd // 2))
    assert shop.free() == [60] * (crowd // 2)


def test_one_refund_told_by_all_counts_once(shop: Shop, crowd: int):
    shop.buy("P1", 100_00)
    receipts = together([lambda: shop.bring_back("R1", 40_00, purchase="P1") for _ in range(crowd)])

    assert sum(receipt.created for receipt in receipts) == 1
    assert shop.free() == [6_00]


def test_a_phone_that_comes_by_all_purchases_enrols_one_member(shop: Shop, crowd: int):
    receipts = together([lambda n=n: shop.buy(f"P{n}", 10_00) for n in range(crowd)])

    assert len({receipt.member for receipt in receipts}) == 1
    assert len(shop.snapshot()["members"]) == 1
    assert shop.figures() == Figures(available=1_00 * crowd)
    assert shop.free() == [1_00] * crowd


def test_a_phone_enrolled_by_all_gives_one_member(shop: Shop, crowd: int):
    def enrol() -> Outcome:
        new = NewMember(phone=ANNA, email="anna@example.com")
        return shop.do(
            lambda connection: enrol_member(
                connection, shop.plans, shop.told_by(), new, now=shop.now
            )
        )

    outcomes = together([enrol] * crowd)
    assert sum(isinstance(one, MemberExists) for one in outcomes) == crowd - 1
    assert len(shop.snapshot()["members"]) == 1


def test_a_hold_released_while_its_purchase_comes(shop: Shop):
    for number in range(4):
        by = f"+791655503{number:02}"
        fill(shop, 5, by)
        hold = shop.hold(5_00, by=by, cart=f"c{number}", spend=5_00)
        released, bought = together(
            [
                lambda hold=hold: shop.release(hold),
                lambda number=number, by=by: shop.buy(
                    f"P{number}", 5_00, spent=5_00, by=by, cart=f"c{number}"
                ),
            ]
        )

        assert bought.points["spent"] == 5_00
        captured = isinstance(released, HoldCaptured)
        assert shop.see(hold).state == ("captured" if captured else "released")
        assert ("hold_expired" in bought.flags) == (not captured)
        assert shop.figures(by) == Figures()


def test_an_adjustment_sent_by_all_moves_once(shop: Shop, crowd: int):
    fill(shop, 2)
    told = together([lambda: shop.adjust(7_00, "gift-1") for _ in range(crowd)])

    assert len({one["entry"] for one in told}) == 1
    assert shop.figures() == Figures(available=9_00)


def test_a_merge_while_receipts_of_both_come(shop: Shop, crowd: int):
    """Whatever comes first, the survivor has it all and the alias nothing."""
    fill(shop, 2, ANNA)
    fill(shop, 2, BORIS)
    anna, half = shop.member(ANNA), crowd // 2
    jobs: list[Callable[[], Outcome]] = [lambda: shop.merge(ANNA, into=BORIS)]
    jobs += [lambda n=n: shop.buy(f"A{n}", 10_00, by=ANNA) for n in range(half)]
    jobs += [lambda n=n: shop.buy(f"B{n}", 10_00, by=BORIS) for n in range(half - 1)]
    together(jobs)

    assert shop.figures(BORIS) == Figures(available=4_00 + 1_00 * half + 1_00 * (half - 1))
    left = [row for row in shop.snapshot()["lots"] if row["member_id"] == anna and row["free"]]
    assert left == []


def test_batches_of_the_same_members_in_opposite_orders(shop: Shop, crowd: int):
    """Accounts are locked in one order, so nobody waits for the other for ever."""
    people = [f"+791655504{n:02}" for n in range(6)]

    def batch(number: int) -> Callable[[], Outcome]:
        order = people if number % 2 else list(reversed(people))
        return lambda: shop.tell(*(shop.purchase(f"P{number}-{by}", 10_00, by=by) for by in order))

    together([batch(number) for number in range(crowd)])
    assert {shop.figures(by) for by in people} == {Figures(available=1_00 * crowd)}
