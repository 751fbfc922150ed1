"""Installations: one shop connected through one connector.  Settings are sealed bytes here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, or_, select, update

from loyalty_core.store.ready import Ready
from loyalty_core.store.sets import among
from loyalty_core.store.tables import installations

WORKED_STATES = ("active", "attention")
"""Their receipts are worked on and their polls run; of paused ones only kept."""

AGAIN = "+"
DUTIES = ("pull", "recheck", "catalogue", "balances", "webhooks", "coupons")


@dataclass(frozen=True, slots=True)
class InstallationRow:
    id: int
    programme_id: int
    connector: str
    name: str
    settings: bytes
    state: str
    trouble_code: str | None
    trouble_text: str | None
    pull_cursor: str | None
    pull_due_at: datetime | None
    recheck_due_at: datetime | None
    catalogue_cursor: str | None
    catalogue_due_at: datetime | None
    last_delivery_at: datetime | None
    created_at: datetime
    shows_balances: bool = True
    balances_due_at: datetime | None = None
    balances_failed: int = 0
    webhooks_due_at: datetime | None = None
    refused_at: datetime | None = None
    refused_code: str | None = None
    makes_coupons: bool = False
    coupons_due_at: datetime | None = None
    coupons_failed: int = 0
    coupon_terms: dict[str, Any] | None = None
    coupon_walk: dict[str, Any] | None = None
    balance_walk: str | None = None
    recheck_cursor: str | None = None


def source_of(installation_id: int) -> str:
    """The name under which an installation's events, and its own names of people, are kept
    (`ledger.md` 18)."""
    return f"installation:{installation_id}"


def number_of_source(source: str) -> int | None:
    """The installation behind such a name; None where it is another's."""
    kind, _, number = source.partition(":")
    return int(number) if kind == "installation" and number.isdecimal() else None


def _rows() -> Select[Any]:
    return select(*[installations.c[name] for name in InstallationRow.__dataclass_fields__])


_BY_IDS = Ready(_rows().where(among(installations.c.id, "ids")))


def add(connection: Connection, row: InstallationRow) -> None:
    """Raises: IntegrityError where the programme has one of this name."""
    values = {name: getattr(row, name) for name in InstallationRow.__dataclass_fields__}
    connection.execute(installations.insert().values(**values))


def get(connection: Connection, installation_id: int) -> InstallationRow | None:
    found = connection.execute(_rows().where(installations.c.id == installation_id)).first()
    return None if found is None else InstallationRow(*found)


def lock(connection: Connection, installation_id: int) -> InstallationRow | None:
    """As `get`, and held until the transaction ends."""
    query = _rows().where(installations.c.id == installation_id).with_for_update()
    found = connection.execute(query).first()
    return None if found is None else InstallationRow(*found)


def get_many(connection: Connection, ids: Sequence[int]) -> dict[int, InstallationRow]:
    found = (InstallationRow(*row) for row in _BY_IDS.rows(connection, {"ids": ids}))
    return {row.id: row for row in found}


def by_name(connection: Connection, programme_id: int, name: str) -> InstallationRow | None:
    query = _rows().where(
        installations.c.programme_id == programme_id, installations.c.name == name
    )
    found = connection.execute(query).first()
    return None if found is None else InstallationRow(*found)


def of_programme(connection: Connection, programme_id: int | None) -> list[InstallationRow]:
    """All of one programme, or of all of them; oldest first."""
    query = _rows().order_by(installations.c.id)
    if programme_id is not None:
        query = query.where(installations.c.programme_id == programme_id)
    return [InstallationRow(*row) for row in connection.execute(query)]


def all_ids(connection: Connection) -> list[int]:
    return list(connection.scalars(select(installations.c.id).order_by(installations.c.id)))


def change(connection: Connection, installation_id: int, **values: Any) -> None:
    """Set columns of one installation."""
    connection.execute(
        update(installations).where(installations.c.id == installation_id).values(**values)
    )


def heard_from(connection: Connection, installation_id: int, *, now: datetime) -> None:
    """Note that the shop called; a burst writes the row once a minute, not once a call."""
    minute_ago = now - timedelta(minutes=1)
    last = installations.c.last_delivery_at
    connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, or_(last.is_(None), last < minute_ago))
        .values(last_delivery_at=now)
    )


def refused(connection: Connection, installation_id: int, code: str, *, now: datetime) -> None:
    """Note that a call was refused; anybody may call, so the row is written once a minute."""
    minute_ago = now - timedelta(minutes=1)
    last = installations.c.refused_at
    connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, or_(last.is_(None), last < minute_ago))
        .values(refused_at=now, refused_code=code)
    )


def mark_trouble(connection: Connection, installation_id: int, code: str, text: str) -> bool:
    """Show an installation to its owner; True if it was not shown already.

    A paused one stays paused.
    """
    changed = connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, installations.c.state == "active")
        .values(state="attention", trouble_code=code, trouble_text=text)
    )
    if changed.rowcount:
        return True
    connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, installations.c.state == "attention")
        .values(trouble_code=code, trouble_text=text)
    )
    return False


def clear_trouble(connection: Connection, installation_id: int) -> bool:
    """True if it stood in attention and is active again."""
    changed = connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, installations.c.state == "attention")
        .values(state="active", trouble_code=None, trouble_text=None)
    )
    return bool(changed.rowcount)


def claim_duty(
    connection: Connection, programme_id: int, duty: str, *, now: datetime, until: datetime
) -> InstallationRow | None:
    """Take one installation whose `duty` (one of `DUTIES`) is due.

    Its time moves to `until`, so that nobody else takes it before.
    """
    found = connection.execute(_due(duty), {"programme": programme_id, "now": now}).first()
    if found is None:
        return None
    change(connection, found.id, **{f"{duty}_due_at": until})
    return InstallationRow(*found)


@cache
def _due(duty: str) -> Select[Any]:
    """Written once: each batch of deliveries is followed by these."""
    column = installations.c[f"{duty}_due_at"]
    return (
        _rows()
        .where(
            installations.c.programme_id == bindparam("programme"),
            installations.c.state.in_(WORKED_STATES),
            column <= bindparam("now", type_=column.type),
        )
        .order_by(column)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def keep_duty(
    connection: Connection, installation_id: int, duty: str, held: datetime, *, until: datetime
) -> bool:
    """Hold a claimed duty longer; False where another worker has it by now."""
    column = installations.c[f"{duty}_due_at"]
    kept = connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, column == held)
        .values({column: until})
    )
    return bool(kept.rowcount)


def lock_duty(connection: Connection, installation_id: int, duty: str, held: datetime) -> bool:
    """Whether a claimed duty is still this worker's; nobody changes that before the end of the
    transaction."""
    row = lock(connection, installation_id)
    return row is not None and getattr(row, f"{duty}_due_at") == held


def hurry(connection: Connection, installation_id: int, duty: str, *, now: datetime) -> None:
    """Make a duty that the installation has due now."""
    column = installations.c[f"{duty}_due_at"]
    connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, column.is_not(None))
        .values({column: now})
    )


def recheck_anew(connection: Connection, installation_id: int, *, now: datetime) -> None:
    """Have a recheck begin now, or once more when the one that is underway has ended."""
    cursor = installations.c.recheck_cursor
    hurry(connection, installation_id, "recheck", now=now)
    connection.execute(
        update(installations)
        .where(installations.c.id == installation_id, cursor.not_like(f"{AGAIN}%"))
        .values(recheck_cursor=AGAIN + cursor)
    )


def programmes_due(connection: Connection, now: datetime) -> list[int]:
    """Programmes with an installation that has something to do."""
    duties = [installations.c[f"{duty}_due_at"] for duty in DUTIES]
    query = select(installations.c.programme_id).where(
        installations.c.state.in_(WORKED_STATES), or_(*[column <= now for column in duties])
    )
    return list(connection.scalars(query.distinct()))


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many installations there are, by connector and state."""
    rows = connection.execute(
        select(installations.c.connector, installations.c.state, func.count()).group_by(
            installations.c.connector, installations.c.state
        )
    )
    return {(connector, state): count for connector, state, count in rows}
