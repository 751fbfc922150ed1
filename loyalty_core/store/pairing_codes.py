"""Pairing codes: that one was made, for what, and until when.  No code is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, update

from loyalty_core.store.tables import pairing_codes


@dataclass(frozen=True, slots=True)
class PairingCode:
    """`installation_id`: the connection that is paired anew; None makes one."""

    id: int
    programme_id: int
    connector: str
    installation_id: int | None
    code_hash: str
    expires_at: datetime


def add(connection: Connection, row: PairingCode, *, now: datetime) -> None:
    """The new one ends those made before it for the same; what has ended is deleted."""
    same = (
        (pairing_codes.c.programme_id == row.programme_id)
        & (pairing_codes.c.connector == row.connector)
        & (pairing_codes.c.installation_id.is_not_distinct_from(row.installation_id))
    )
    connection.execute(delete(pairing_codes).where(or_(same, pairing_codes.c.expires_at <= now)))
    values = {name: getattr(row, name) for name in PairingCode.__dataclass_fields__}
    connection.execute(pairing_codes.insert().values(**values))


def claim(connection: Connection, code_hash: str, *, now: datetime) -> PairingCode | None:
    """The code, used from now on; None for one that is unknown, over or used.  Of many callers at
    once one gets it.
    """
    done = connection.execute(
        update(pairing_codes)
        .where(
            pairing_codes.c.code_hash == code_hash,
            pairing_codes.c.used_at.is_(None),
            pairing_codes.c.expires_at > now,
        )
        .values(used_at=now)
    )
    if not done.rowcount:
        return None
    query = select(*[pairing_codes.c[name] for name in PairingCode.__dataclass_fields__])
    row = connection.execute(query.where(pairing_codes.c.code_hash == code_hash)).one()
    return PairingCode(*row)
