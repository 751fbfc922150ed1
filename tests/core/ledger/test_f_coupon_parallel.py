"""The last use of a coupon when 32 come at once (on SQLite in 8 threads)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import HoldCaptured
from loyalty_core.store.database import make_engine
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import discount, double, off, pay
from tests.core.ledger.test_f_promotion_parallel import COMERS, PEOPLE, Job, at_once
from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules
from tests.support.lines import line


@pytest.fixture
def crowded(engine: Engine) -> Iterator[Callable[..., Shop]]:
    """A programme in which a coupon gives 10 % off, and another points; 32 have bought."""
    wide = engine
    if engine.dialect.name == "postgresql":
        wide = make_engine(engine.url.render_as_string(hide_password=False), pool_size=COMERS)
    shops: list[Shop] = []

    def open_with(**more: Any) -> Shop:
        own = [off(coupon="spring"), double(coupon="more")]
        kinds = [series(**more), series("more", **more)]
        document = rules() | {"promotions": own, "coupons": kinds}
        shop = replace(open_programme(engine, document), engine=wide)
        shop.tell(*(shop.purchase(f"first-{by}", 1_00, by=by) for by in PEOPLE))
        shop.advance(days=1)
        shops.append(shop)
        return shop

    yield open_with
    for shop in shops:
        assert_books_add_up(shop)
    if wide is not engine:
        wide.dispose()


@pytest.mark.parametrize("uses", [1, 7])
def test_32_holds_of_one_code(crowded, uses):
    shop = crowded(uses=uses)
    (code,) = shop.make_coupons("spring")

    placed = at_once(
        shop,
        [
            lambda n=n, by=by: shop.hold(100_00, by=by, cart=f"c{n}", coupons=(code,))
            for n, by in enumerate(PEOPLE)
        ],
    )

    assert sorted(discount(one.quote) for one in placed) == [0] * (COMERS - uses) + [10_00] * uses
    assert (shop.coupon(code)["uses"], shop.coupon(code)["over"]) == (uses, 0)


def test_32_receipts_of_one_code_that_gives_points(crowded):
    shop = crowded()
    (code,) = shop.make_coupons("more")

    told = at_once(
        shop,
        [
            lambda n=n, by=by: shop.buy(f"P{n}", 100_00, by=by, coupons=(code,))
            for n, by in enumerate(PEOPLE)
        ],
    )

    assert sorted(one.points["earned"] for one in told) == [10_00] * (COMERS - 1) + [20_00]
    assert shop.coupon_uses(code) == 1


def test_32_tills_that_gave_one_code_already(crowded):
    """All are facts; one of them had the right to it, and the others are flagged."""
    shop = crowded()
    (code,) = shop.make_coupons("spring")
    sold = (line("1", 100_00, discount=10_00),)

    told = at_once(
        shop,
        [
            lambda n=n, by=by: shop.buy(f"P{n}", lines=sold, by=by, coupons=(code,))
            for n, by in enumerate(PEOPLE)
        ],
    )

    assert sorted(one.flags for one in told) == [()] + [("coupon_overused",)] * (COMERS - 1)
    assert (shop.coupon(code)["uses"], shop.coupon(code)["over"]) == (1, COMERS - 1)


def test_holds_purchases_and_releases_among_one_another(crowded):
    """Many carts, many codes, whoever comes first: no use is lost nor given twice."""
    shop = crowded(uses=4)
    codes = shop.make_coupons("spring", 4)
    placed = at_once(
        shop,
        [
            lambda n=n, by=by: shop.hold(
                100_00, by=by, cart=f"c{n}", coupons=(codes[n % 4], codes[(n + 1) % 4])
            )
            for n, by in enumerate(PEOPLE)
        ],
    )
    off_of = [discount(one.quote) for one in placed]
    assert off_of.count(10_00) == 16

    def release(n: int) -> bool:
        try:
            shop.release(placed[n])
        except HoldCaptured:
            return False
        return True

    jobs: list[Job] = []
    for n in range(COMERS):
        jobs.append(lambda n=n: release(n))
        if n % 2:
            paid = 100_00 - off_of[n]
            jobs.append(
                lambda n=n, paid=paid: pay(
                    shop, placed[n], f"P{n}", by=PEOPLE[n], paid=paid, off=off_of[n]
                )
            )
    at_once(shop, jobs)

    bought = [n for n in range(COMERS) if n % 2 and off_of[n]]
    assert sum(shop.coupon_uses(code) for code in codes) == len(bought)
    at_once(
        shop,
        [
            lambda n=n: shop.bring_back(f"R{n}", 100_00 - off_of[n], purchase=f"P{n}")
            for n in range(1, COMERS, 2)
        ],
    )
    assert [shop.coupon_uses(code) for code in codes] == [0] * 4
