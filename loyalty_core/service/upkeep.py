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
from loyalty_core.store import (
    certificates,
    consents,
    ledger,
    members,
    overview,
    padded_signs,
    programmes,
    refunds,
    retention,
    sent_messages,
    uploads,
)
from loyalty_core.store import holds as hold_store
from loyalty_core.store.ids import first_id_at

BATCH = 200
DEAD_KEPT = timedelta(days=365)
"""Deliveries that wait for a person keep their bodies for so long, whatever is set."""
EVIDENCE_KEPT = timedelta(days=3 * 365 + 1)
"""After an erasure; claims end after three years (Civil Code, article 196)."""
ROWS_KEPT = timedelta(days=400)
"""A delivery is known again for so long after it came, by a row that holds nothing personal."""
COUNTED_AFTER = timedelta(days=1)
MESSAGES_KEPT = timedelta(days=400)
"""What became of a message, by whom it was for; neither its text nor its address is kept."""
UPLOADS_KEPT = timedelta(days=1)
"""A file that nobody has brought in, and the lines that were refused of one."""


def expire_points(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Book the end of lots whose last day is over."""
    return _settle(connection, ledger.accounts_expiring(connection, now, limit), now)


def activate_points(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Book points that have become spendable."""
    return _settle(connection, ledger.accounts_maturing(connection, now, limit), now)


def expire_certificates(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Book the end of certificates whose last day is over; what holds reserve of them stays."""
    locked = certificates.lock_by_id(connection, certificates.ending(connection, now, limit))
    for one in locked:
        one.book.settle(now)
    ended = sum(1 for one in locked if one.book.moves)
    certificates.write_certificates(connection, locked)
    return ended


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


def empty_deliveries(
    connection: Connection, *, keep_days: int, now: datetime, limit: int = BATCH
) -> int:
    """Take the bodies of deliveries that ended `keep_days` ago; 0 days: they stay for ever."""
    if not keep_days:
        return 0
    kept = timedelta(days=keep_days)
    return retention.empty_deliveries(
        connection,
        ended_before=now - kept,
        dead_before=now - max(kept, DEAD_KEPT),
        now=now,
        limit=limit,
    )


def forget_deliveries(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Delete the rows of deliveries that were emptied, when nobody can send them again."""
    return retention.forget_emptied(connection, received_before=now - ROWS_KEPT, limit=limit)


def forget_sent(
    connection: Connection, *, keep_days: int, now: datetime, limit: int = BATCH
) -> int:
    """Delete notices that were sent `keep_days` ago; 0 days: they stay for ever."""
    if not keep_days:
        return 0
    return retention.forget_sent(
        connection, made_before=now - timedelta(days=keep_days), limit=limit
    )


def forget_messages(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Delete what is kept of messages that were made long ago."""
    return sent_messages.forget_old(connection, made_before=now - MESSAGES_KEPT, limit=limit)


def empty_uploads(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Delete what is kept of files that nobody has gone on with."""
    return uploads.empty(connection, before=now - UPLOADS_KEPT, now=now, limit=limit)


def forget_evidence(connection: Connection, *, now: datetime, limit: int = BATCH) -> int:
    """Delete what erased members had said, when nobody can ask for the proof any more."""
    ids = consents.evidence_before(connection, now - EVIDENCE_KEPT, limit)
    aliases = members.aliases_of(connection, ids)
    consents.forget(connection, [*ids, *(one for own in aliases.values() for one in own)])
    return len(ids)


def count_members(connection: Connection, *, now: datetime) -> int:
    """Count the members of a programme anew, if that was not done today: all who joined before
    yesterday's same time, so that no transaction is open any more that adds one to them."""
    up_to = first_id_at(now - COUNTED_AFTER)
    due = overview.programmes_to_count(connection, first_id_at(now - 2 * COUNTED_AFTER))
    if not due:
        return 0
    overview.count_members_to(connection, due[0], up_to)
    return 1


def unpad_signs(connection: Connection, *, limit: int = BATCH) -> int:
    """Write fiscal signs of before without the zeros before them."""
    return padded_signs.unpad(connection, limit)


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
