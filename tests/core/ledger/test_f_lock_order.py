"""One order of locks over all (`ledger.md` 4), and figures that are summed under them.

On PostgreSQL alone: SQLite has one writer.  Nothing here is tried again, so a deadlock fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text, update

from loyalty_core.domain.errors import LoyaltyError
from loyalty_core.service import certificates as gifts
from loyalty_core.service import coupons as codes
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.hold_points import place_hold, release_hold
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store.database import make_engine, write
from loyalty_core.store.tables import certificates, coupon_lots, coupons, promotion_uses
from loyalty_kit.checkout import HoldRequest, QuoteRequest
from tests.core.ledger.test_f_certificates import gift
from tests.core.ledger.test_f_coupons import series
from tests.core.ledger.test_f_promotion_limits import limit, off
from tests.core.ledger.test_f_promotion_parallel import COMERS, PEOPLE, at_once
from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme, rules
from tests.support.lines import basket

pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
PATIENCE_S = 20


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


def once(shop: Shop, work: Callable[[Connection], Any]) -> Any:
    """Its result, or what the core refused it with; never tried again."""
    try:
        with write(shop.engine) as connection:
            return work(connection)
    except LoyaltyError as refused:
        return refused


def wait_for_a_lock(engine: Engine) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        with engine.connect() as connection:
            if connection.scalar(waiting):
                return
        time.sleep(0.02)
    pytest.fail("nobody waits for a lock")


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
            wait_for_a_lock(shop.engine)
        assert rebuilt.result(timeout=PATIENCE_S) == 1

    assert (shop.coupon_uses(coupon), shop.used()) == (2, 2)
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"]) == ("53.00", "27.00")
    assert shop.rebuild() == 0


def test_erasures_lots_holds_returns_and_merges_wait_in_one_order(shop: Shop):
    """32 of them for 8 people at once, who have all of it."""
    (code,) = shop.make_certificates(900_00)
    people = PEOPLE[:8]
    names = {by: shop.wire(by) for by in people}
    made = {"author": "owner", "now": shop.now}
    for by, wire in names.items():
        lot, other = (
            codes.NewLot(f"c-{by}", "spring", 20, wire),
            gifts.NewLot(f"g-{by}", "gift", 20, 10_00, True, wire),
        )
        shop.do(lambda c, lot=lot: codes.open_lot(c, shop.plans, shop.programme_id, lot, **made))
        shop.do(lambda c, lot=other: gifts.open_lot(c, shop.plans, shop.programme_id, lot, **made))
    own = {by: shop.make_coupons("spring", by=by) for by in people}
    placed = {
        by: shop.hold(50_00, by=by, cart=by, spend=1_00, certificates=(code,), coupons=own[by])
        for by in people
    }

    def erase(by: str) -> Callable[[Connection], Any]:
        said = {"author": "owner", "evidence_key": b"key", "now": shop.now}
        return lambda c: erase_member(c, shop.programme_id, names[by], **said)

    def merge(by: str) -> Callable[[Connection], Any]:
        into = names[people[0]]
        said = {"into": into, "from_": names[by], "author": "owner", "now": shop.now}
        return lambda c: merge_members(c, shop.plans, shop.programme_id, **said)

    def fill(by: str) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> None:
            wanted = codes.NewLot(f"c-{by}", "spring", 20, names[by])
            codes.open_lot(connection, shop.plans, shop.programme_id, wanted, **made)
            codes.fill_lot(connection, shop.plans, shop.programme_id, wanted.name)

        return work

    def fill_gifts(by: str) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> None:
            wanted = gifts.NewLot(f"g-{by}", "gift", 20, 10_00, True, names[by])
            gifts.open_lot(connection, shop.plans, shop.programme_id, wanted, **made)
            gifts.fill_lot(connection, shop.programme_id, wanted.name, now=shop.now)

        return work

    def release(by: str) -> Callable[[Connection], Any]:
        return lambda c: release_hold(c, shop.told_by(), placed[by].id, now=shop.now)

    def bring_back(by: str) -> Callable[[Connection], Any]:
        refund = shop.refund(f"R-{by}", 40_00, purchase=f"first-{by}")
        incoming = [Incoming(shop.told_by(), refund)]
        return lambda c: record_events(c, shop.plans, incoming, now=shop.now)

    jobs = [
        kind(by)
        for number, by in enumerate(people)
        for kind in (erase if number % 2 else merge, fill, fill_gifts, release, bring_back)
        if not (number == 0 and kind is merge)
    ]
    came = at_once(shop, [lambda job=job: once(shop, job) for job in jobs])

    assert len(came) == 8 * 5 - 1
    with shop.engine.connect() as connection:
        erased = {shop.member(by) for by in people[1::2]}
        assert erased == {None}, "their phones are nobody's"
        lots = connection.execute(
            select(coupon_lots.c.name, coupon_lots.c.member_id).where(
                coupon_lots.c.programme_id == shop.programme_id
            )
        ).all()
    left = {name for name, member in lots if member is not None}
    assert left.isdisjoint(f"c-{by}" for by in people[1::2])
    seen = shop.certificate(code)
    assert (seen["balance"], seen["reserved"]) == ("900.00", "0.00")
