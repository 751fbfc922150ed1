"""What the doctor asks: how much waits and since when, and a handful of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, and_, func, select

from loyalty_core.store.ledger import AccountKey
from loyalty_core.store.tables import DEAD, DUE, accounts, deliveries, outbox


@dataclass(frozen=True, slots=True)
class Backlog:
    """`late`: rows whose time to be worked off has come; `dead` wait for a person."""

    late: int
    late_since: datetime | None
    dead: int
    dead_since: datetime | None


def of_deliveries(connection: Connection, now: datetime) -> Backlog:
    return _backlog(connection, deliveries, now)


def of_outbox(connection: Connection, now: datetime) -> Backlog:
    return _backlog(connection, outbox, now)


def newest_accounts(connection: Connection, limit: int) -> list[AccountKey]:
    """Those of the members who joined last."""
    found = connection.execute(
        select(accounts.c.member_id, accounts.c.currency)
        .order_by(accounts.c.member_id.desc(), accounts.c.currency.desc())
        .limit(limit)
    )
    return [(member, currency) for member, currency in found]


def _backlog(connection: Connection, table: Table, now: datetime) -> Backlog:
    late = and_(table.c.state == DUE, table.c.due_at <= now)
    count, since = connection.execute(
        select(func.count(), func.min(table.c.due_at)).where(late)
    ).one()
    dead, dead_since = connection.execute(
        select(func.count(), func.min(table.c.done_at)).where(table.c.state == DEAD)
    ).one()
    return Backlog(count, since, dead, dead_since)
