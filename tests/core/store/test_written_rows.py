"""What is written in sets equals, row by row, what the slow and obvious way writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Engine, Table, select

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.points import Cause, Terms
from loyalty_core.domain.returns import claw_back, give_back
from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.database import write
from loyalty_core.store.ledger import Needs, open_books, write_books
from loyalty_core.store.purchases import KeptPurchase, write_purchases
from loyalty_core.store.refunds import KeptRefund, write_refunds
from loyalty_core.store.tables import (
    accounts,
    entries,
    entry_lots,
    lots,
    purchase_fiscal,
    purchase_lines,
    purchases,
    refunds,
)
from loyalty_kit.events import FiscalSign, Purchase, Refund
from tests.core.store.plain_writer import (
    plain_json,
    write_books_plainly,
    write_purchase_plainly,
    write_refund_plainly,
)
from tests.kit.test_events_laws import REFUNDS, WORDS
from tests.kit.test_events_laws import purchases as some_purchases

Work = Callable[[Connection], None]
NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BOOKS = (accounts, entries, entry_lots, lots)
RECEIPTS = (purchases, purchase_lines, purchase_fiscal, refunds)
EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
TERMS = (Terms(most_debt=None, grace_until=None), Terms(most_debt=0, grace_until=NOW + DAY))


class Undone(Exception):
    """What was written has been read, and is not to stay."""


def written(engine: Engine, work: Work, tables: Iterable[Table]) -> dict[str, list[Any]]:
    """The rows that this work leaves behind; they are taken back afterwards."""
    found: dict[str, list[Any]] = {}
    with suppress(Undone), write(engine) as connection:
        work(connection)
        for table in tables:
            rows = connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [row._asdict() for row in rows]
        raise Undone
    return found


# --- books ----------------------------------------------------------------------------------


def history(seed: int, write_all: Callable[[Connection, Iterable[AccountBook]], None]) -> Work:
    """Six transactions of movements drawn by chance in four accounts of three members."""

    def live(connection: Connection) -> None:
        chance = Random(seed)
        keys = [(1, "points"), (2, "points"), (2, "miles"), (3, "points")]
        for day in range(6):
            needs = Needs(frozenset(range(day * 9)), NOW - 3 * DAY)
            books = open_books(connection, keys, needs)
            for book in books.values():
                book.settle(NOW + day * DAY)
                for number in range(day * 9, day * 9 + chance.randrange(4)):
                    move(book, number, NOW + day * DAY, chance)
            write_all(connection, books.values())

    return live


def move(book: AccountBook, number: int, now: datetime, chance: Random) -> None:
    """Some movement of a purchase of this number, or of an earlier one."""
    facts = {"why": 'say "\\why"', "кто": "касса"}
    terms = chance.choice(TERMS)
    before = chance.randrange(number + 1)
    cause = Cause(f"{number}:{chance.random()}", now - chance.randrange(3) * DAY, now, number)
    older = replace(cause, purchase_id=before, facts=facts)
    earned = sum(lot.free + lot.expired for lot in book.lots.values() if lot.purchase_id == before)
    held = [(lot.no, lot.held) for lot in book.lots.values() if lot.held]
    what = chance.choice(["earn", "earn", "spend", "hold", "release", "claw_back", "give_back"])
    if what == "earn":
        start = now + chance.randrange(3) * DAY
        end = chance.choice([None, start + DAY, start + 4 * DAY])
        book.earn(chance.randrange(1, 99), cause, spendable_from=start, expires_at=end)
    elif what == "spend":
        book.spend(chance.randrange(1, 99), cause, terms)
    elif what == "hold" and book.spendable(now):
        book.hold(chance.randint(1, book.spendable(now)), cause)
    elif what == "release" and held:
        book.release(held, cause)
    elif what == "claw_back" and earned:
        claw_back(book, earned, older, terms)
    elif what == "give_back":
        spend = [row for row in book.rows() if row.purchase_id == before and row.taken > 0]
        if spend and spend[0].kind == "spend":
            give_back(book, 1, older, terms)


@pytest.mark.parametrize("seed", range(8))
def test_books_are_written_as_row_by_row(engine: Engine, seed: int):
    in_sets = written(engine, history(seed, write_books), BOOKS)

    def plainly(connection: Connection, books: Iterable[AccountBook]) -> None:
        books = list(books)
        write_books_plainly(connection, books)
        for book in books:
            book.entries.clear()

    assert in_sets == written(engine, history(seed, plainly), BOOKS)
    assert len(in_sets["entries"]) > 10
    assert len(in_sets["lots"]) > 3


# --- receipts -------------------------------------------------------------------------------

POINTS = st.dictionaries(st.sampled_from("0123"), st.integers(0, 10**9), max_size=3)


@st.composite
def kept_purchases(draw: st.DrawFn) -> KeptPurchase:
    signs = draw(st.lists(st.builds(FiscalSign, *[st.text('1"\\', max_size=2)] * 3), max_size=3))
    event = replace(draw(some_purchases()), fiscal=tuple(signs))
    return KeptPurchase(
        draw(st.integers(1, 2**62)),
        1,
        draw(st.sampled_from(["key:till", 'installation:"9"'])),
        event,
        draw(st.text("0123456789abcdef", max_size=64)),
        draw(st.integers(1, 9)),
        draw(st.none() | st.integers(1, 2**62)),
        NOW,
        event.lines,
        linked_to=draw(st.none() | st.integers(1, 9)),
        qualifying_minor=draw(st.integers(0, 10**9)),
        booking={"earned": draw(POINTS), "tier": draw(st.none() | WORDS)},
        flags=draw(st.lists(st.sampled_from(["linked", "time_ahead"]), max_size=2)),
        is_new=True,
        earned_by_line=draw(POINTS),
        returned_milli=draw(POINTS),
        returned_minor=draw(POINTS),
    )


@st.composite
def kept_refunds(draw: st.DrawFn) -> KeptRefund:
    state, purchase = draw(
        st.sampled_from([("booked", 1), ("withdrawn", 1), ("waiting", None), ("listed", None)])
    )
    return KeptRefund(
        draw(st.integers(1, 2**62)),
        1,
        "key:till",
        draw(REFUNDS),
        "hash",
        state,
        draw(st.booleans()),
        purchase,
        NOW,
        booking=draw(st.dictionaries(WORDS, st.integers(), max_size=2)),
        flags=draw(st.lists(st.text('a"\\', max_size=3), max_size=2)),
        is_new=True,
    )


@pytest.mark.slow
@EXAMPLES
@given(
    st.lists(kept_purchases(), max_size=4, unique_by=(lambda p: p.id, lambda p: p.key)),
    st.lists(kept_refunds(), max_size=4, unique_by=(lambda r: r.id, lambda r: r.key)),
    st.data(),
)
def test_receipts_are_written_as_row_by_row(
    engine: Engine, bought: list[KeptPurchase], returned: list[KeptRefund], data: st.DataObject
):
    """New at first; then some of them change into what another example of their kind says."""
    changed = [data.draw(kept_purchases()) for _ in bought]
    later = [
        replace(
            new,
            id=old.id,
            source=old.source,
            is_new=False,
            changed=True,
            event=replace(new.event, external_id=old.event.external_id),
        )
        for old, new in zip(bought, changed, strict=True)
    ]
    back = [replace(one, is_new=False, changed=True, flags=["again"]) for one in returned]

    def in_sets(connection: Connection) -> None:
        for some, refunded in ((bought, returned), (later, back)):
            write_purchases(connection, some)
            write_refunds(connection, refunded)

    def plainly(connection: Connection) -> None:
        for some, refunded in ((bought, returned), (later, back)):
            for one in some:
                write_purchase_plainly(connection, one)
            for refund in refunded:
                write_refund_plainly(connection, refund)

    assert written(engine, in_sets, RECEIPTS) == written(engine, plainly, RECEIPTS)


# --- words ----------------------------------------------------------------------------------


@given(some_purchases() | REFUNDS)
def test_a_word_is_kept_by_what_its_fields_are(event: Purchase | Refund) -> None:
    kept = to_json(event)

    assert kept == plain_json(event)
    assert from_json(type(event), kept) == event
