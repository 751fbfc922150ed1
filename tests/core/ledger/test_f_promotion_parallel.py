"""`ledger.md` 30: limits hold when 32 come at once (on SQLite in 8 threads), and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import HoldCaptured
from loyalty_core.store.database import make_engine
from tests.core.ledger.test_f_promotion_limits import discount, double, limit, off, pay
from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules

COMERS = 32
PEOPLE = [f"+791655505{number:02}" for number in range(COMERS)]
Job = Callable[[], Any]


@pytest.fixture
def crowded(engine: Engine) -> Iterator[Callable[..., Shop]]:
    """Opens a programme with promotions, in which 32 members have bought; its books add up."""
    wide = engine
    if engine.dialect.name == "postgresql":
        wide = make_engine(engine.url.render_as_string(hide_password=False), pool_size=COMERS)
    shops: list[Shop] = []

    def open_with(*promotions: dict[str, Any]) -> Shop:
        shop = replace(open_programme(engine, rules()), engine=wide)
        shop.tell(*(shop.purchase(f"first-{by}", 1_00, by=by) for by in PEOPLE))
        shop.advance(days=1)
        shop.publish(rules() | {"promotions": list(promotions)})
        shop.quote(1_00)
        shops.append(shop)
        return shop

    yield open_with
    for shop in shops:
        assert_books_add_up(shop)
    if wide is not engine:
        wide.dispose()


def at_once(shop: Shop, jobs: Sequence[Job]) -> list[Any]:
    threads = 8 if shop.engine.dialect.name == "sqlite" else len(jobs)
    gate = Barrier(threads)

    def begin(job: Job) -> Any:
        if len(jobs) == threads:
            gate.wait(timeout=60)
        return job()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, jobs))


def holds(shop: Shop, amount: Callable[[int], int], cart: str = "c") -> list[Any]:
    return at_once(
        shop,
        [
            lambda n=n, by=by: shop.hold(amount(n), by=by, cart=f"{cart}{n}")
            for n, by in enumerate(PEOPLE)
        ],
    )


def test_ten_uses_go_to_ten_of_32_holds(crowded):
    shop = crowded(off(limit(most="10")))
    given = [discount(hold.quote) for hold in holds(shop, lambda _: 100_00)]

    assert sorted(given) == [0] * 22 + [10_00] * 10
    assert shop.used() == 10


def test_a_hundred_roubles_are_given_to_the_kopeck(crowded):
    shop = crowded(off(limit("money", "100.00"), limit("money", "70.00", per="shop")))
    given = [discount(hold.quote) for hold in holds(shop, lambda n: 100_00 + n * 10)]

    assert sum(given) == 70_00
    assert shop.used(of="money") == 2 * 70_00


def test_fifty_points_are_earned_to_the_hundredth(crowded):
    """Each would earn 10 points and a few hundredths once more."""
    shop = crowded(double(limit("points", "50.00")))
    told = at_once(
        shop,
        [
            lambda n=n, by=by: shop.buy(f"P{n}", 100_00 + 10 * n, by=by)
            for n, by in enumerate(PEOPLE)
        ],
    )

    base = sum(10_00 + n for n in range(COMERS))
    assert sum(one.points["earned"] for one in told) == base + 50_00
    assert not any("budget_exceeded" in one.flags for one in told)
    assert shop.used("x2", "points") == 50_00


def test_ten_uses_go_to_ten_of_32_receipts(crowded):
    shop = crowded(double(limit(most="10")))
    told = at_once(
        shop,
        [lambda n=n, by=by: shop.buy(f"P{n}", 100_00, by=by) for n, by in enumerate(PEOPLE)],
    )

    assert sorted(one.points["earned"] for one in told) == [10_00] * 22 + [20_00] * 10
    assert shop.used("x2") == 10


def test_a_member_with_32_carts_has_one_use(crowded):
    shop = crowded(off(limit(per="member", period="year")))
    given = at_once(
        shop,
        [lambda n=n: shop.hold(100_00, by=PEOPLE[0], cart=f"c{n}") for n in range(COMERS)],
    )

    assert sum(discount(hold.quote) for hold in given) == 10_00


def test_all_that_comes_back_at_once_is_there_again(crowded):
    shop = crowded(off(limit(most="10"), limit("money", "100.00")), double(limit(most="10")))
    placed = holds(shop, lambda _: 100_00)
    won = [n for n, hold in enumerate(placed) if discount(hold.quote)]
    kept, left = won[:5], [n for n in range(COMERS) if n not in won[:5]]
    at_once(
        shop,
        [lambda n=n: shop.release(placed[n]) for n in left]
        + [lambda n=n: pay(shop, placed[n], f"P{n}", by=PEOPLE[n]) for n in kept],
    )
    assert (shop.used(), shop.used(of="money"), shop.used("x2")) == (5, 50_00, 5)

    again = holds(shop, lambda _: 100_00, "again")
    assert sum(discount(hold.quote) for hold in again) == 50_00
    at_once(
        shop,
        [lambda hold=hold: shop.release(hold) for hold in again[: COMERS - 5]]
        + [lambda n=n: shop.bring_back(f"R{n}", 90_00, purchase=f"P{n}") for n in kept],
    )
    for hold in again[COMERS - 5 :]:
        shop.release(hold)

    assert (shop.used(), shop.used(of="money"), shop.used("x2")) == (0, 0, 0)


def test_holds_purchases_and_releases_among_one_another(crowded):
    """Whoever releases while it is being paid: a part of a limit is never lost nor kept twice."""
    shop = crowded(off(limit(most="10")), double(limit("points", "50.00")))
    placed = holds(shop, lambda _: 100_00)
    off_of = [discount(hold.quote) for hold in placed]

    def release(n: int) -> bool:
        try:
            shop.release(placed[n])
        except HoldCaptured:
            return False
        return True

    jobs: list[Job] = []
    for n in range(COMERS // 2):
        jobs.append(lambda n=n: release(n))
        jobs.append(
            lambda n=n: pay(
                shop, placed[n], f"P{n}", by=PEOPLE[n], paid=100_00 - off_of[n], off=off_of[n]
            )
        )
    at_once(shop, jobs)
    for n in range(COMERS // 2, COMERS):
        shop.release(placed[n])

    bought = [n for n in range(COMERS // 2) if off_of[n]]
    assert shop.used() == len(bought)
    assert shop.used("x2", "points") <= 50_00
