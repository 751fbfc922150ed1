"""One order of locks over all (`ledger.md` 4), and figures that are summed under them.

On PostgreSQL alone: SQLite has one writer.  Nothing here is tried again, so a deadlock fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, update

from loyalty_core.domain.errors import LoyaltyError
from loyalty_core.service import certificates as gifts
from loyalty_core.service import coupons as codes
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.hold_points import place_hold, release_hold
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import certificates, coupons, promotion_uses
from loyalty_kit.checkout import HoldRequest, QuoteRequest
from tests.core.ledger.test_f_certificates import gift
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import limit, off
from tests.core.ledger.test_f_promotion_parallel import COMERS, PEOPLE, at_once
from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules
from tests.support.lines import basket
from tests.support.locks import wait_for_locks

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
PATIENCE_S = 20
Work = Callable[[Connection], Any]


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """10 % off for a coupon, with a limit that is never reached; certificates."""
    document = rules() | {
        "certificates": [gift()],
        "coupons": [series(uses=100)],
        "promotions": [off(limit(most="1000"), coupon="spring")],
    }
    wide = make_engine(engine.url.render_as_string(hide_password=False), pool_size=COMERS)
    opened = replace(open_programme(engine, document), engine=wide)
    opened.tell(*(opened.purchase(f"first-{by}", 100_00, by=by) for by in PEOPLE))
    opened.advance(hours=1)
    yield opened
    assert_books_add_up(opened)
    wide.dispose()


def once(shop: Shop, work: Work) -> Any:
    """Its result, or what the core refused it with; never tried again."""
    try:
        with write(shop.engine) as connection:
            return work(connection)
    except LoyaltyError as refused:
        return refused


WRONG = {
    "certificate": update(certificates).values(balance_minor=90_00, loaded_minor=90_00),
    "coupon": update(coupons).values(uses=7),
    "limit": update(promotion_uses).values(used=7),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_rebuild_sums_what_stands_when_it_has_the_lock(shop: Shop, what: str):
    """A hold is placed while it waits for the very rows that it mends."""
    (code,), (coupon,) = shop.make_certificates(80_00), shop.make_coupons("spring")
    shop.hold(10_00, cart="a", by=None, certificates=(code,), coupons=(coupon,))
    wrong = WRONG[what]
    with write(shop.engine) as connection:
        connection.execute(wrong.where(wrong.table.c.programme_id == shop.programme_id))

    request = QuoteRequest(basket(20_00), cart="b", certificates=(code,), coupons=(coupon,))
    with ThreadPoolExecutor(1) as pool:
        with write(shop.engine) as connection:
            wanted = HoldRequest(request)
            place_hold(connection, shop.plans, shop.told_by(), wanted, now=shop.now)
            rebuilt = pool.submit(shop.rebuild)
            wait_for_locks(shop.engine)
        assert rebuilt.result(timeout=PATIENCE_S) == 1

    assert (shop.coupon_uses(coupon), shop.used()) == (2, 2)
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"]) == ("53.00", "27.00")
    assert shop.rebuild() == 0


class Crowd:
    """8 people with lots that are to be filled, holds, and receipts; and what happens to them."""

    def __init__(self, shop: Shop, code: str) -> None:
        self.shop, self.people = shop, PEOPLE[:8]
        self.names = {by: shop.wire(by) for by in self.people}
        own = {by: shop.make_coupons("spring", by=by) for by in self.people}
        self.holds = {
            by: shop.hold(50_00, by=by, cart=by, spend=1_00, certificates=(code,), coupons=own[by])
            for by in self.people
        }
        for by in self.people:
            shop.do(self.opens(by))
            shop.do(self.opens_gifts(by))

    def opens(self, by: str) -> Work:
        shop, lot = self.shop, codes.NewLot(f"c-{by}", "spring", 20, self.names[by])
        said = {"author": "owner", "now": shop.now}
        return lambda c: codes.open_lot(c, shop.plans, shop.programme_id, lot, **said)

    def opens_gifts(self, by: str) -> Work:
        shop, lot = self.shop, gifts.NewLot(f"g-{by}", "gift", 20, 10_00, True, self.names[by])
        said = {"author": "owner", "now": shop.now}
        return lambda c: gifts.open_lot(c, shop.plans, shop.programme_id, lot, **said)

    def fills(self, by: str) -> Work:
        shop, opens = self.shop, self.opens(by)
        return lambda c: (
            opens(c),
            codes.fill_lot(c, shop.plans, shop.programme_id, f"c-{by}"),
        )

    def fills_gifts(self, by: str) -> Work:
        shop, opens = self.shop, self.opens_gifts(by)
        return lambda c: (
            opens(c),
            gifts.fill_lot(c, shop.programme_id, f"g-{by}", now=shop.now),
        )

    def releases(self, by: str) -> Work:
        shop, hold = self.shop, self.holds[by]
        return lambda c: release_hold(c, shop.told_by(), hold.id, now=shop.now)

    def brings_back(self, by: str) -> Work:
        shop = self.shop
        refund = shop.refund(f"R-{by}", 40_00, purchase=f"first-{by}")
        incoming = [Incoming(shop.told_by(), refund)]
        return lambda c: record_events(c, shop.plans, incoming, now=shop.now)

    def goes(self, by: str) -> Work:
        """Every other one is erased, the rest become one."""
        shop, said = self.shop, {"author": "owner", "now": self.shop.now}
        if self.people.index(by) % 2:
            said |= {"evidence_key": b"key"}
            return lambda c: erase_member(c, shop.programme_id, self.names[by], **said)
        said |= {"into": self.names[self.people[0]], "from_": self.names[by]}
        return lambda c: merge_members(c, shop.plans, shop.programme_id, **said)


def test_erasures_lots_holds_returns_and_merges_wait_in_one_order(shop: Shop):
    """40 of them at once, five for each of 8 people."""
    (code,) = shop.make_certificates(900_00)
    crowd = Crowd(shop, code)
    kinds = (crowd.goes, crowd.fills, crowd.fills_gifts, crowd.releases, crowd.brings_back)
    works = [kind(by) for by in crowd.people for kind in kinds]

    came = at_once(shop, [lambda work=work: once(shop, work) for work in works])

    assert len(came) == len(works)
    assert [shop.member(by) for by in crowd.people[1::2]] == [None] * 4, "they are forgotten"
    lots = {lot["name"]: lot["member_id"] for lot in shop.snapshot()["coupon_lots"]}
    assert [lots[f"c-{by}"] for by in crowd.people[1::2]] == [None] * 4
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"]) == ("900.00", "0.00")
