"""What time does to the books, booked in batches by jobs (`ledger.md` 7, 8, 22).

Each function does one batch and gives how many things it did; 0: nothing is left to do.
Figures that members see do not wait for it: readers count what is due.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.hold_points import end_holds_of
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import holds as hold_store
from loyalty_core.store import ledger, members, programmes, refunds

BATCH = 200


def expire_points(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Book the end of lots whose last day is over."""
    return _settle(connection, ledger.accounts_expiring(connection, now, limit), now)


def activate_points(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Book points that have become spendable."""
    return _settle(connection, ledger.accounts_maturing(connection, now, limit), now)


def end_holds(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Release holds whose time is up."""
    ended = hold_store.holds_ended(connection, now, limit)
    return end_holds_of(connection, ended, why="expired", now=now) if ended else 0


def list_lost_refunds(
    connection: Connection, plans: PlanCache, *, now: datetime, limit: int = BATCH
) -> int:
    """Put refunds whose purchase never came on a person's list."""
    done = 0
    for programme in programmes.all_programmes(connection):
        plan = plans.get(connection, programme.id, programme.rules_version)
        before = now - timedelta(days=plan.rules.policies.waiting_refund_days)
        done += refunds.list_refunds_received_before(connection, programme.id, before, limit)
    return done


def _settle(connection: Connection, keys: list[ledger.AccountKey], now: datetime) -> int:
    books = ledger.open_books(connection, keys)
    for book in books.values():
        book.settle(now)
    moved = [book for book in books.values() if book.entries]
    homes = members.programmes_of(connection, {book.member_id for book in moved})
    for programme_id in sorted(set(homes.values())):
        own = [book for book in moved if homes[book.member_id] == programme_id]
        announce_balances(connection, programme_id, own, now)
    ledger.write_books(connection, moved)
    return len(moved)
