"""The last money of a certificate when 32 come at once (on SQLite in 8 threads)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from loyalty_core.domain.errors import HoldCaptured
from loyalty_core.store.database import make_engine
from tests.core.ledger.test_f_certificates import gift, sale, used
from tests.core.ledger.test_f_promotion_parallel import COMERS, PEOPLE, Job, at_once
from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """A programme in which 32 have bought."""
    wide = engine
    if engine.dialect.name == "postgresql":
        wide = make_engine(engine.url.render_as_string(hide_password=False), pool_size=COMERS)
    opened = replace(open_programme(engine, rules() | {"certificates": [gift()]}), engine=wide)
    opened.tell(*(opened.purchase(f"first-{by}", 1_00, by=by) for by in PEOPLE))
    opened.advance(days=1)
    yield opened
    assert_books_add_up(opened)
    if wide is not engine:
        wide.dispose()


def test_32_holds_of_one_certificate(shop: Shop):
    (code,) = shop.make_certificates(70_00)

    placed = at_once(
        shop,
        [
            lambda n=n, by=by: shop.hold(20_00, by=by, cart=f"c{n}", certificates=(code,))
            for n, by in enumerate(PEOPLE)
        ],
    )

    paid = sorted(one.quote.totals.certificates_minor for one in placed)
    assert paid == [0] * (COMERS - 4) + [10_00] + [20_00] * 3
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"]) == ("0.00", "70.00")


def test_32_tills_that_took_one_certificate_already(shop: Shop):
    """All are facts; what was there paid the first of them, and the others are flagged."""
    (code,) = shop.make_certificates(70_00)

    told = at_once(
        shop,
        [
            lambda n=n, by=by: shop.buy(f"P{n}", 10_00, by=by, certificates=used((code, 10_00)))
            for n, by in enumerate(PEOPLE)
        ],
    )

    flags = sorted(one.flags for one in told)
    assert flags == [()] * 7 + [("certificate_missing",)] * (COMERS - 7)
    assert shop.certificate(code)["owed"] == f"{(COMERS - 7) * 10}.00"

    at_once(
        shop,
        [lambda n=n: shop.bring_back(f"R{n}", 10_00, purchase=f"P{n}") for n in range(COMERS)],
    )
    seen = shop.certificate(code)
    assert (seen["balance"], seen["owed"]) == ("70.00", "0.00")


def test_32_top_ups_with_one_key_and_with_their_own(shop: Shop):
    (code,) = shop.make_certificates(loaded=False)

    at_once(shop, [lambda: shop.top_up(code, 10_00, "one")] * COMERS)
    assert shop.money(code) == "active 10.00"
    at_once(shop, [lambda n=n: shop.top_up(code, 1_00, f"key-{n}") for n in range(COMERS)])
    assert shop.money(code) == f"active {10 + COMERS}.00"


def test_one_sale_told_32_times(shop: Shop):
    (code,) = shop.make_certificates(80_00, loaded=False)
    sold = shop.purchase("P1", lines=(sale(code, 80_00),))

    at_once(shop, [lambda: shop.tell(sold)] * COMERS)

    assert shop.money(code) == "active 80.00"


def test_holds_purchases_releases_and_returns_among_one_another(shop: Shop):
    """Many carts, four certificates, two of them in each cart in either order: nothing is lost,
    nothing is given twice, nobody waits for ever."""
    codes = shop.make_certificates(100_00, 4)
    placed = at_once(
        shop,
        [
            lambda n=n, by=by: shop.hold(
                20_00, by=by, cart=f"c{n}", certificates=(codes[n % 4], codes[(n + 1) % 4])
            )
            for n, by in enumerate(PEOPLE)
        ],
    )
    total = sum(one.quote.totals.certificates_minor for one in placed)
    assert total == 400_00, "32 carts want 640.00"

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
            jobs.append(lambda n=n: shop.buy(f"P{n}", 20_00, by=PEOPLE[n], hold=placed[n].id))
    came: list[Any] = at_once(shop, jobs)
    assert len(came) == COMERS + COMERS // 2
    at_once(
        shop,
        [
            lambda n=n: shop.bring_back(f"R{n}", 20_00, purchase=f"P{n}")
            for n in range(1, COMERS, 2)
        ],
    )
    assert [shop.money(code) for code in codes] == ["active 100.00"] * 4
