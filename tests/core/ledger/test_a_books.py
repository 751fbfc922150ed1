"""`ledger.md` A: the books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, Table, event, insert, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from loyalty_core.domain.errors import EventConflict, MainCurrencyInUse
from loyalty_core.service.programmes import take_back_rules
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.shops import get_shop
from loyalty_core.service.source import Source
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store import sets
from loyalty_core.store.database import make_engine, read, write
from loyalty_core.store.tables import (
    accounts,
    entries,
    entry_lots,
    identities,
    lots,
    purchases,
)
from loyalty_kit.events import Customer
from tests.support.ledger import ANNA, BORIS, DAY, NOW, Figures, Shop, open_programme, rules
from tests.support.lines import moscow

KINDS = {
    "earn",
    "activate",
    "hold",
    "capture",
    "release",
    "spend",
    "give_back",
    "claw_back",
    "expire",
    "adjust",
    "transfer",
    "forgive",
}


def test_ledger_1_the_four_figures(engine: Engine):
    shop = open_programme(engine, rules(activation_days=7))
    shop.buy("P1", 100_00)
    assert shop.figures() == Figures(pending=10_00)

    shop.advance(days=7)
    shop.buy("P2", 0)
    assert shop.figures() == Figures(available=10_00)

    hold = shop.hold(100_00, cart="c", spend=3_00)
    assert shop.figures() == Figures(available=7_00, held=3_00)

    shop.buy("P3", 20_00, spent=9_00)  # earns 1.10, in a week
    assert shop.figures() == Figures(pending=1_10, held=3_00, debt=2_00)

    shop.release(hold)
    assert shop.figures() == Figures(available=1_00, pending=1_10)


def test_ledger_1_each_currency_is_an_account_of_its_own(engine: Engine):
    document = rules()
    document["currencies"].append({"code": "miles", "name": "Мили", "value": "1.00"})
    shop = open_programme(engine, document)
    shop.buy("P1", 100_00)

    assert shop.figures(currency="points") == Figures(available=10_00)
    assert shop.figures(currency="miles") == Figures()


@pytest.mark.parametrize("how", ["another code", "another order"])
def test_ledger_1_the_main_currency_stays_once_somebody_has_an_account_in_it(
    engine: Engine, how: str
):
    miles = {"code": "miles", "name": "Мили", "value": "1.00"}
    shop = open_programme(engine)
    points = rules()["currencies"][0]
    both = {
        "another code": [{**points, "code": "bonus"}],
        "another order": [miles, points],
    }[how]
    other = open_programme(engine)
    other.buy("P1", 100_00)
    assert shop.publish(rules() | {"currencies": both}) == 2
    shop.advance(days=1)
    shop.publish(rules())
    shop.buy("P1", 100_00, at=shop.now)

    with pytest.raises(MainCurrencyInUse) as refused:
        shop.publish(rules() | {"currencies": both})
    assert refused.value.facts == {"main_currency": "points"}
    with pytest.raises(MainCurrencyInUse):
        shop.do(lambda c: take_back_rules(c, shop.programme_id, 2, author="owner", now=shop.now))
    named = [{**points, "name": "Бонусы"}, miles]
    assert shop.publish(rules() | {"currencies": named}) == 4


def test_ledger_2_entries_are_only_ever_added(shop: Shop):
    told = [
        lambda: shop.buy("P1", 100_00),
        lambda: shop.buy("P2", 50_00, spent=5_00),
        lambda: shop.bring_back("R2", 45_00, purchase="P2"),
        lambda: shop.bring_back("R1", 100_00, purchase="P1"),
        lambda: shop.buy("P1", 80_00, revision=2),
    ]
    before: list[dict] = []
    rows_before: list[dict] = []
    for tell in told:
        tell()
        assert shop.entries()[: len(before)] == before
        assert shop.rows()[: len(rows_before)] == rows_before
        before, rows_before = shop.entries(), shop.rows()


def test_ledger_2_an_entry_knows_its_cause_and_both_times(shop: Shop):
    bought_at = NOW - 2 * DAY
    shop.buy("P1", 100_00, at=bought_at)

    (entry,) = shop.entries()
    assert entry["kind"] == "earn"
    assert entry["amount"] == entry["d_available"] == 10_00
    assert (entry["occurred_at"], entry["booked_at"]) == (bought_at, NOW)
    assert entry["purchase_id"] == shop.kept_purchases()[0]["id"]
    assert "P1" in entry["key"]
    assert entry["cause"] == {
        "event": "purchase",
        "source": "key:till",
        "external_id": "P1",
        "rule": "base",
    }


def test_ledger_2_rows_tell_every_lot_that_was_touched_by_holds_too(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("P2", 50_00)
    hold = shop.hold(100_00, cart="c", spend=12_00)
    shop.release(hold)

    told = [(row["seq"], row["lot"], row["d_free"], row["d_held"]) for row in shop.rows()]
    assert told == [
        (1, 1, 10_00, 0),
        (2, 2, 5_00, 0),
        (3, 1, -10_00, 10_00),
        (3, 2, -2_00, 2_00),
        (4, 1, 10_00, -10_00),
        (4, 2, 2_00, -2_00),
    ]
    assert shop.kinds() == ["earn", "earn", "hold", "release"]


def test_ledger_2_a_lot_knows_its_award_dates_and_purchase(shop: Shop):
    shop.buy("P1", 100_00)
    shop.buy("P2", 50_00, spent=4_00)

    first, _second = shop.lots()
    assert (first["amount"], first["free"]) == (10_00, 6_00)
    assert first["purchase_id"] == shop.kept_purchases()[0]["id"]
    assert first["spendable_from"] == NOW
    assert first["expires_at"] == moscow(2027, 3, 15)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        pytest.param(accounts, {"available": 1_00}, id="a figure"),
        pytest.param(lots, {"free": 1}, id="a lot"),
        pytest.param(entries, {"d_available": 1}, id="an entry"),
        pytest.param(entry_lots, {"d_free": 1}, id="a row"),
    ],
)
def test_ledger_2_whatever_was_changed_by_hand_is_found(engine: Engine, table: Table, change: dict):
    shop = open_programme(engine)
    shop.buy("P1", 100_00)
    with read(engine) as connection:
        assert verify_ledger(connection, programme_id=shop.programme_id) == []
    with write(engine) as connection:
        own = table.c.member_id == shop.member(ANNA)
        connection.execute(update(table).where(own).values(**change))

    with read(engine) as connection:
        findings = verify_ledger(connection, programme_id=shop.programme_id)
    assert {finding.member for finding in findings} == {shop.wire(ANNA)}


def test_ledger_2_a_rebuild_replays_and_never_chooses_again(shop: Shop):
    shop.buy("P1", 100_00, at=NOW - 9 * DAY)
    shop.buy("P2", 50_00)
    shop.hold(100_00, cart="c", spend=4_00)
    shop.buy("P3", 30_00, spent=8_00)
    shop.bring_back("R1", 100_00, purchase="P1")
    before = shop.snapshot()
    assert shop.rebuild() == 0
    assert shop.snapshot() == before

    with write(shop.engine) as connection:
        member = shop.member(ANNA)
        connection.execute(update(lots).where(lots.c.member_id == member).values(free=0, held=0))
        of_anna = accounts.c.member_id == member
        connection.execute(update(accounts).where(of_anna).values(available=0, held=7, debt=1))
    assert shop.rebuild() == 1
    assert shop.snapshot() == before


def test_ledger_3_kinds_are_those_of_the_page(shop: Shop):
    hold = shop.hold(100_00, cart="c")
    shop.buy("P1", 100_00)
    shop.buy("P2", 50_00, spent=30_00)
    shop.bring_back("R1", 100_00, purchase="P1")
    shop.bring_back("R2", 20_00, purchase="P2")
    shop.release(hold)
    shop.advance(days=400)
    shop.buy("P3", 1_00)

    assert set(shop.kinds()) <= KINDS


def test_ledger_3_keys_are_made_of_what_the_outside_sent(engine: Engine):
    """The same story told later, to a programme of its own, makes the same keys."""
    keys = []
    for by, later in ((ANNA, timedelta()), (BORIS, timedelta(hours=5, seconds=7))):
        shop = open_programme(engine)
        shop.now += later
        shop.buy("P1", 100_00, by=by, at=NOW)
        shop.buy("P2", 50_00, by=by, at=NOW, spent=12_00)
        shop.bring_back("R2", 38_00, purchase="P2", at=NOW)
        keys.append([entry["key"] for entry in shop.entries(by)])

    assert keys[0] == keys[1]
    assert len(set(keys[0])) == len(keys[0])


def test_ledger_3_the_same_event_again_is_the_first_entry(shop: Shop):
    first = shop.buy("P1", 100_00)
    entries_before = shop.entries()
    shop.advance(minutes=5)
    again = shop.tell(shop.purchase("P1", 100_00, at=NOW))[0]

    assert first.created
    assert not again.created
    assert (again.id, again.points, again.status) == (first.id, first.points, "booked")
    assert shop.entries() == entries_before


def test_ledger_3_the_same_key_with_other_content_is_a_conflict(shop: Shop):
    shop.buy("P1", 100_00)
    with pytest.raises(EventConflict):
        shop.buy("P1", 100_01)
    assert shop.figures() == Figures(available=10_00)


def test_ledger_4_the_earliest_expiry_is_taken_first(shop: Shop):
    shop.buy("late", 100_00, at=NOW - 1 * DAY)
    shop.buy("early", 100_00, at=NOW - 9 * DAY)
    shop.buy("spender", 20_00, spent=12_00)

    assert shop.free() == [8_00, 0, 80]


def test_ledger_4_what_never_expires_is_taken_last_and_the_oldest_first(shop: Shop):
    shop.publish(rules(life_days=None))
    shop.buy("forever-1", 100_00)
    shop.publish(rules(life_days=30))
    shop.advance(seconds=1)
    shop.buy("month-1", 100_00)
    shop.advance(seconds=1)
    shop.buy("month-2", 100_00)
    shop.publish(rules(life_days=None))
    shop.advance(seconds=1)
    shop.buy("forever-2", 100_00)
    shop.advance(seconds=1)
    shop.buy("S1", 15_00, spent=15_00)
    assert shop.free() == [10_00, 0, 5_00, 10_00]

    shop.buy("S2", 12_00, spent=12_00)
    assert shop.free() == [3_00, 0, 0, 10_00]


def test_ledger_4_a_batch_books_in_the_order_of_the_events_own_time(shop: Shop):
    spends = shop.purchase("later", 20_00, spent=10_00, at=NOW)
    earns = shop.purchase("earlier", 100_00, at=NOW - timedelta(hours=1))
    receipts = shop.tell(spends, earns)

    assert [receipt.points["spent"] for receipt in receipts] == [10_00, 0]
    assert receipts[0].flags == ("spend_without_hold",)
    assert shop.figures() == Figures(available=1_00)
    assert shop.kinds() == ["earn", "spend", "earn"]


def test_ledger_4_a_batch_with_one_bad_receipt_books_nothing_the_others_book_alone(shop: Shop):
    shop.buy("P1", 100_00)
    bad = shop.purchase("P1", 1_00)
    good = shop.purchase("P2", 50_00)
    before = shop.snapshot()
    with pytest.raises(EventConflict):
        shop.tell(good, bad)
    assert shop.snapshot() == before

    assert shop.tell(good)[0].created
    assert shop.figures() == Figures(available=15_00)


def test_ledger_4_writes_are_set_based(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """Fifty receipts are written with as many statements as five."""
    counts = []
    for name, size in (("warm-up", 1), ("five", 5), ("fifty", 50)):
        events = [
            shop.purchase(
                f"{name}-{index}",
                10_00,
                spent=1_00 if index % 2 else 0,
                by=f"+79165{size:03}{index:03}",
            )
            for index in range(size)
        ]
        incoming = [Incoming(Source(shop.programme_id, "key:till"), one) for one in events]
        with write(shop.engine) as connection:
            counter = _Writes()
            event.listen(connection, "before_cursor_execute", counter)
            with monkeypatch.context() as patch:
                patch.setattr(sets, "change", partial(counter.change, sets.change))
                record_events(connection, shop.plans, incoming, now=shop.now)
            counts.append(counter.count)
    assert counts[2] == counts[1]


class _Writes:
    """Counts statements that write; an insert of many rows at once is one."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, connection: object, cursor: object, statement: str, *_: object) -> None:
        self.count += not statement.startswith("SELECT")

    def change(self, change: Callable[..., int], *what: Any) -> int:
        """Those that go straight to the driver."""
        self.count += 1
        return change(*what)


def test_ledger_5_a_write_takes_the_one_writers_place_at_once(sqlite_engine: Engine):
    other = make_engine(str(sqlite_engine.url))
    with write(sqlite_engine), other.connect() as second:
        second.exec_driver_sql("PRAGMA busy_timeout = 1")
        with pytest.raises(OperationalError):
            second.exec_driver_sql("BEGIN IMMEDIATE")
    other.dispose()


def test_ledger_5_times_are_stored_as_integers_of_utc(shop: Shop):
    shop.buy("P1", 100_00, at=moscow(2026, 3, 14, 11, 30))
    stored = "SELECT occurred_at FROM purchases WHERE programme_id = :programme"
    with shop.engine.connect() as connection:
        found = connection.execute(text(stored), {"programme": shop.programme_id}).scalars().all()

    seconds = int(datetime(2026, 3, 14, 8, 30, tzinfo=UTC).timestamp())
    assert found == [seconds * 1_000_000]


@pytest.mark.parametrize("told", ["Магазин-1", "МАГАЗИН-1", "магазин-1"])
def test_ledger_5_codes_know_no_case(shop: Shop, told: str):
    shop.open_shop("Магазин-1")
    shop.buy("P1", 100_00, shop=told)

    with shop.engine.connect() as connection:
        opened = get_shop(connection, shop.programme_id, "маГАЗин-1")
    assert shop.kept_purchases()[0]["shop_id"] == opened.id


@pytest.mark.parametrize("column", ["free", "held", "expired", "owed"])
def test_ledger_6_no_lot_below_zero(shop: Shop, column: str):
    shop.buy("P1", 100_00)
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(update(lots).values({column: -1}))


@pytest.mark.parametrize("column", ["available", "pending", "held", "debt"])
def test_ledger_6_no_figure_below_zero(shop: Shop, column: str):
    shop.buy("P1", 100_00)
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(update(accounts).values({"available": 0, column: -1}))


def test_ledger_6_nothing_is_available_while_there_is_debt(shop: Shop):
    shop.buy("P1", 100_00)
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(update(accounts).values(debt=1))


def test_ledger_6_a_lot_never_holds_more_than_was_awarded(shop: Shop):
    shop.buy("P1", 100_00)
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(update(lots).values(free=10_01))


def test_ledger_6_one_key_one_entry_and_one_purchase(shop: Shop):
    shop.buy("P1", 100_00)
    entry, purchase = shop.entries()[0], shop.kept_purchases()[0]

    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(insert(entries), [entry | {"seq": 2}])
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(insert(purchases), [purchase | {"id": 1}])


def test_ledger_6_one_name_one_member(shop: Shop):
    shop.buy("P1", 100_00, by=ANNA)
    shop.buy("P2", 100_00, by=None, customer=Customer(phone=BORIS))
    with pytest.raises(IntegrityError), write(shop.engine) as connection:
        connection.execute(update(identities).values(value=ANNA))
