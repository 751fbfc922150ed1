"""Work on a few rows reads no more of a table for all that waits there, or was kept before.

PostgreSQL counts tables now and then, and mostly while next to nothing is due; so its plans hold
the index over what is due for empty, and one that reads all of it costs nothing to them.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.store import (
    accounts,
    balance_pushes,
    coupon_pushes,
    holds,
    inbox,
    ledger,
    outbox,
    purchases,
    refunds,
)
from loyalty_core.store.database import write
from loyalty_core.store.types import to_micros
from loyalty_kit.events import FiscalSign
from tests.support.ledger import open_programme

NOW = datetime(2026, 3, 14, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=1)
FEW = 10

# Of 30 000 rows of each table 2000 wait; of lots and holds all that wait come afterwards.
ENDED = """
INSERT INTO installations (id, programme_id, connector, name, settings, state, created_at)
SELECT n, 1, 'acme', n, '', 'active', 0 FROM generate_series(1, 2) AS n;
INSERT INTO deliveries (id, installation_id, programme_id, hook, key, headers, body, received_at,
    state, due_at, done_at)
SELECT n, 1, 1, 'sale', n, '{}', convert_to(repeat('x', 500), 'UTF8'), 0, 'done', 0, 0
FROM generate_series(1, 30000) AS n;
INSERT INTO outbox (id, programme_id, kind, key, payload, state, due_at, created_at, done_at)
SELECT n, 1, 'message', n, '{}', 'done', 0, 0, 0 FROM generate_series(1, 30000) AS n;
INSERT INTO balance_pushes (installation_id, member_id, told)
SELECT 1, n, 'x' FROM generate_series(1, 30000) AS n;
INSERT INTO coupon_pushes (installation_id, code, told)
SELECT 1, n, 'x' FROM generate_series(1, 30000) AS n;
INSERT INTO accounts (member_id, currency, available, entries, lots)
SELECT n, 'points', 100, 1, 1 FROM generate_series(1, 30000) AS n;
INSERT INTO lots (member_id, currency, no, amount, free, active, spendable_from, expires_at)
SELECT n, 'points', 1, 100, 100, true, 0, 9e15 FROM generate_series(1, 30000) AS n;
INSERT INTO holds (member_id, id, programme_id, shop_id, source, currency, points, lots, state,
    expires_at, created_at, rules_version, request, quote)
SELECT n, n, 1, 1, 'till', 'points', 100, '[]', 'released', 0, 0, 1, '{}', '{}'
FROM generate_series(1, 30000) AS n;
INSERT INTO purchases (id, programme_id, source, external_id, revision, content_hash, status,
    shop_id, member_id, linked_to, occurred_at, received_at, document, booking, flags)
SELECT n, 1, 'till', n, 1, '', 'paid', 1, mod(n, 10000), CASE WHEN n = 30000 THEN 1 END, 0, 0,
    '{"customer": {"phone": "+79161234567"}}', '{}', '[]'
FROM generate_series(1, 30000) AS n;
INSERT INTO refunds (id, programme_id, source, external_id, revision, content_hash, state, by_list,
    purchase_id, occurred_at, received_at, amount_minor, document, booking, flags)
SELECT n, 1, 'till', n, 1, '', 'booked', false, n, 0, 0, 100,
    '{"customer": {"phone": "+79161234567"}}', '{}', '[]'
FROM generate_series(1, 30000) AS n;
ANALYZE
"""
WAIT = """
UPDATE deliveries SET state = 'due', done_at = NULL, due_at = :now WHERE id > 28000;
UPDATE outbox SET state = 'due', done_at = NULL, due_at = :now WHERE id > 28000;
UPDATE balance_pushes SET due_at = :now WHERE member_id > 28000;
UPDATE coupon_pushes SET due_at = :now WHERE code::int > 28000;
INSERT INTO lots (member_id, currency, no, amount, free, active, spendable_from, expires_at)
SELECT n, 'points', 2, 100, 100, false, :now + 1, 9e15 FROM generate_series(1, 2000) AS n;
INSERT INTO refunds (id, programme_id, source, external_id, revision, content_hash, state, by_list,
    purchase_external_id, "order", occurred_at, received_at, amount_minor, document, booking, flags)
SELECT n, 1, 'till', n, 1, '', 'listed', false, n, n, 0, 0, 100,
    json_build_object('external_id', n::text, 'occurred_at', '2026-03-14T00:00:00+00:00',
        'amount_minor', 100, 'fiscal', json_build_object('fn', '1', 'fd', '2', 'fp', '0' || n)),
    '{}', '[]'
FROM generate_series(30001, 32000) AS n;
UPDATE holds SET state = 'live', expires_at = :now + 1 WHERE member_id <= 2000
"""
COUNTED = text(
    "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), sum(n_tup_upd)"
    " FROM pg_stat_xact_user_tables WHERE regexp_replace(relname, '_p[0-9]+$', '')"
    " IN ('deliveries', 'outbox', 'balance_pushes', 'coupon_pushes', 'accounts', 'lots', 'holds',"
    " 'purchases', 'refunds')"
)
"""Rows read and changed, of partitions as well."""


def claim_deliveries(connection: Connection) -> list[inbox.DeliveryRow]:
    rows = inbox.claim(connection, 1, now=NOW, until=UNTIL, limit=FEW)
    assert len(rows) == FEW
    return rows


def claim_messages(connection: Connection) -> list[outbox.OutboxRow]:
    rows = outbox.claim(connection, 1, now=NOW, until=UNTIL, limit=FEW)
    assert len(rows) == FEW
    return rows


def end_deliveries(connection: Connection) -> None:
    rows = claim_deliveries(connection)
    inbox.check_held(connection, rows)
    inbox.settle_done(connection, [(row, {}) for row in rows], now=NOW)


def renew_deliveries(connection: Connection) -> None:
    rows = claim_deliveries(connection)
    assert len(inbox.renew(connection, rows, UNTIL + timedelta(minutes=1))) == FEW


def put_deliveries_off(connection: Connection) -> None:
    later = inbox.Fate("due", due_at=UNTIL, error_code="x")
    assert all(
        inbox.settle(connection, row, later, now=NOW) for row in claim_deliveries(connection)
    )


def end_messages(connection: Connection) -> None:
    outbox.settle_done(connection, claim_messages(connection), until=UNTIL, now=NOW)


def put_messages_off(connection: Connection) -> None:
    later = outbox.Fate("due", due_at=UNTIL, error_code="x")
    for row in claim_messages(connection):
        assert outbox.keep_claim(connection, row, until=UNTIL)
        assert outbox.settle(connection, row, later, now=NOW)
        outbox.pass_over(connection, row.id, later, now=NOW)


def give_messages_back(connection: Connection) -> None:
    outbox.give_back(connection, claim_messages(connection), until=UNTIL, now=NOW)


def tell_balances(connection: Connection) -> None:
    for push in balance_pushes.due(connection, 1, now=NOW, limit=FEW):
        balance_pushes.settle_told(connection, push, "x", now=NOW)


def tell_coupons(connection: Connection) -> None:
    for push in coupon_pushes.due(connection, 1, now=NOW, limit=FEW):
        coupon_pushes.settle(connection, push, "x", due_at=None, now=NOW)


def read_balances(connection: Connection) -> None:
    ((_, balance),) = accounts.balances(connection, [1], NOW)
    assert balance.available == 100


def read_holds(connection: Connection) -> None:
    (hold,) = holds.live_holds_of(connection, 1)
    assert hold.points == 100


def read_books(connection: Connection) -> None:
    needs = ledger.Needs(reopen_since=NOW)
    (book,) = ledger.open_books(connection, [(1, "points")], needs).values()
    assert len(book.lots) == len(accounts.open_lots(connection, 1)) == 2


def forget_a_person(connection: Connection) -> None:
    """Three receipts of their own, one that was linked to one of these, four refunds."""
    purchases.lock_of_people(connection, [1])
    assert purchases.forget_people(connection, [1]) == 8


def find_refunds(connection: Connection) -> None:
    """By the purchase's own number, by its order, and by its sign with a zero of before."""
    signs = [FiscalSign("9", "9", "30003")]
    found = refunds.refunds_waiting(connection, 1, {"30001"}, {"30002"}, signs)
    assert [one.event.external_id for one in found] == ["30001", "30002", "30003"]


PIECES: dict[Callable[[Connection], None], int] = {
    end_deliveries: 2 * FEW,  # claimed, and ended
    renew_deliveries: 2 * FEW,
    put_deliveries_off: 2 * FEW,
    end_messages: 2 * FEW,
    put_messages_off: 4 * FEW,
    give_messages_back: 2 * FEW,
    tell_balances: FEW,
    tell_coupons: FEW,
    read_balances: 0,
    read_holds: 0,
    read_books: 0,
    forget_a_person: 8,
    find_refunds: 0,
}
"""And how many rows each changes."""


def counted(connection: Connection) -> tuple[int, int]:
    read, changed = connection.execute(COUNTED).one()
    return int(read), int(changed)


@pytest.fixture
def crowded(postgres_engine: Engine) -> Engine:
    with write(postgres_engine) as connection:
        connection.exec_driver_sql(ENDED)
        for change in WAIT.split(";"):
            connection.execute(text(change), {"now": to_micros(NOW)})
    return postgres_engine


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_work_on_a_few_rows_reads_few(crowded: Engine, plans: str):
    read: dict[str, int] = {}
    changed: dict[str, int] = {}
    for piece in PIECES:
        with write(crowded) as connection:
            connection.exec_driver_sql(f"SET LOCAL plan_cache_mode = {plans}")
            before = counted(connection)
            piece(connection)
            after = counted(connection)
        read[piece.__name__], changed[piece.__name__] = (
            now - then for now, then in zip(after, before, strict=True)
        )

    assert changed == {piece.__name__: rows for piece, rows in PIECES.items()}
    most = 6 * FEW  # found, locked, changed, and a second or third time by what follows the claim
    assert {name: rows for name, rows in read.items() if not 0 < rows <= most} == {}


CLOSED = """
INSERT INTO lots (member_id, currency, no, amount, active, spendable_from, expires_at)
SELECT member_id, currency, 1000 + n, 100, true, 0, 9e15
FROM accounts, generate_series(1, 3000) AS n;
UPDATE accounts SET lots = 4000;
ANALYZE
"""


def test_a_sale_reads_none_of_the_lots_that_are_closed(postgres_engine: Engine):
    """A member of ten years has thousands of them."""
    shop = open_programme(postgres_engine)
    shop.buy("P1", 100_00)
    with write(postgres_engine) as connection:
        connection.exec_driver_sql(CLOSED)
    sold = [Incoming(shop.told_by(shop.source), shop.purchase("P2", 100_00))]
    with write(postgres_engine) as connection:
        before, _ = counted(connection)
        (receipt,) = record_events(connection, shop.plans, sold, now=shop.now)
        after, _ = counted(connection)

    assert receipt.points["earned"] == 10_00
    assert 0 < after - before < FEW
