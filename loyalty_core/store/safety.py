"""Sessions of the console and second factors: queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, delete, exists, func, insert, literal, or_, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.tables import (
    admins,
    console_sessions,
    recovery_codes,
    second_factor_roles,
    second_factors,
    staff,
)
from loyalty_core.store.types import UtcTime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """`browser` and `address` are what came with the login; `seen_at` is true to minutes."""

    id: int
    admin_id: int
    opened_at: datetime
    seen_at: datetime
    browser: str
    address: str


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """`secret` is sealed by the hub; no code of `last_step` or a step before it is taken."""

    admin_id: int
    secret: bytes
    last_step: int
    since: datetime


_SESSION = [console_sessions.c[name] for name in OpenSession.__slots__]
_FACTOR = [second_factors.c[name] for name in SecondFactor.__slots__]


def add_session(connection: Connection, session: OpenSession) -> None:
    values = {name: getattr(session, name) for name in OpenSession.__slots__}
    connection.execute(insert(console_sessions).values(**values))


def find_session(connection: Connection, session_id: int) -> OpenSession | None:
    row = connection.execute(select(*_SESSION).where(console_sessions.c.id == session_id)).first()
    return None if row is None else OpenSession(*row)


def sessions_of(connection: Connection, admin_id: int) -> list[OpenSession]:
    """Of one account, the last seen first."""
    own = console_sessions.c.admin_id == admin_id
    order = console_sessions.c.seen_at.desc(), console_sessions.c.id.desc()
    return [
        OpenSession(*row)
        for row in connection.execute(select(*_SESSION).where(own).order_by(*order))
    ]


def note_seen(connection: Connection, session_id: int, now: datetime) -> None:
    connection.execute(
        update(console_sessions).where(console_sessions.c.id == session_id).values(seen_at=now)
    )


def drop_session(connection: Connection, admin_id: int, session_id: int) -> bool:
    """Whether there was one of this account."""
    return (
        connection.execute(
            delete(console_sessions).where(
                console_sessions.c.id == session_id, console_sessions.c.admin_id == admin_id
            )
        ).rowcount
        == 1
    )


def drop_sessions(
    connection: Connection, admin_id: int, *, but: int | None = None, before: datetime | None = None
) -> None:
    """Those of an account; `but` stays; `before`: only those not seen since."""
    query = delete(console_sessions).where(console_sessions.c.admin_id == admin_id)
    if but is not None:
        query = query.where(console_sessions.c.id != but)
    if before is not None:
        query = query.where(console_sessions.c.seen_at < before)
    connection.execute(query)


# --- second factors -------------------------------------------------------------------------


def factor_of(connection: Connection, admin_id: int) -> SecondFactor | None:
    row = connection.execute(select(*_FACTOR).where(second_factors.c.admin_id == admin_id)).first()
    return None if row is None else SecondFactor(*row)


def factors(connection: Connection) -> list[SecondFactor]:
    """All of them, by account."""
    rows = connection.execute(select(*_FACTOR).order_by(second_factors.c.admin_id))
    return [SecondFactor(*row) for row in rows]


def add_factor(connection: Connection, factor: SecondFactor) -> bool:
    """False where the account has one."""
    values = {name: getattr(factor, name) for name in SecondFactor.__slots__}
    added = (
        insert_or(connection, second_factors)
        .values(**values)
        .on_conflict_do_nothing()
        .returning(second_factors.c.admin_id)
    )
    return connection.execute(added).first() is not None


def set_secret(connection: Connection, admin_id: int, old: bytes, secret: bytes) -> None:
    """The same secret sealed anew; not where it was exchanged meanwhile."""
    connection.execute(
        update(second_factors)
        .where(second_factors.c.admin_id == admin_id, second_factors.c.secret == old)
        .values(secret=secret)
    )


def drop_factor(connection: Connection, admin_id: int) -> bool:
    """With its codes for a lost phone; whether there was one."""
    connection.execute(delete(recovery_codes).where(recovery_codes.c.admin_id == admin_id))
    gone = connection.execute(delete(second_factors).where(second_factors.c.admin_id == admin_id))
    return gone.rowcount == 1


def count_try(
    connection: Connection, admin_id: int, most: int, over: datetime, now: datetime
) -> bool:
    """Count a code that is about to be looked at; False where `most` were since a moment after
    `over`, and nothing is counted.  The row stays locked, so tries at once count one by one."""
    fresh = or_(second_factors.c.tries_since.is_(None), second_factors.c.tries_since <= over)
    counted = connection.execute(
        update(second_factors)
        .where(second_factors.c.admin_id == admin_id, or_(fresh, second_factors.c.tries < most))
        .values(
            tries=case((fresh, 1), else_=second_factors.c.tries + 1),
            tries_since=case((fresh, literal(now, UtcTime())), else_=second_factors.c.tries_since),
        )
    )
    return counted.rowcount == 1


def forget_try(connection: Connection, admin_id: int) -> None:
    """One of those that were counted was right."""
    connection.execute(
        update(second_factors)
        .where(second_factors.c.admin_id == admin_id, second_factors.c.tries > 0)
        .values(tries=second_factors.c.tries - 1)
    )


def tried_since(connection: Connection, admin_id: int) -> datetime | None:
    """Since when tries are counted; None: there is no factor, or none was counted."""
    return connection.execute(
        select(second_factors.c.tries_since).where(second_factors.c.admin_id == admin_id)
    ).scalar()


def factors_in(connection: Connection, programme_id: int) -> dict[str, datetime]:
    """Who of those that may enter the programme has a factor, by login, and since when."""
    here = or_(staff.c.programme_id == programme_id, staff.c.programme_id.is_(None))
    found = connection.execute(
        select(admins.c.login, second_factors.c.since)
        .join(second_factors, second_factors.c.admin_id == admins.c.id)
        .where(exists().where(staff.c.admin_id == admins.c.id, here))
        .order_by(admins.c.login)
    )
    return {row.login: row.since for row in found}


def use_step(connection: Connection, admin_id: int, step: int) -> bool:
    """Use up a step of time; False where it, or a later one, was used already."""
    used = connection.execute(
        update(second_factors)
        .where(second_factors.c.admin_id == admin_id, second_factors.c.last_step < step)
        .values(last_step=step)
    )
    return used.rowcount == 1


def put_recovery_codes(connection: Connection, admin_id: int, hashes: Iterable[str]) -> None:
    """Instead of those before."""
    connection.execute(delete(recovery_codes).where(recovery_codes.c.admin_id == admin_id))
    connection.execute(
        insert(recovery_codes), [{"admin_id": admin_id, "hash": one} for one in hashes]
    )


def use_recovery_code(connection: Connection, admin_id: int, hashed: str, now: datetime) -> bool:
    """Use up a code by its hash; False where there is none that is free."""
    used = connection.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.admin_id == admin_id,
            recovery_codes.c.hash == hashed,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return used.rowcount == 1


def free_recovery_codes(connection: Connection, admin_id: int) -> int:
    return connection.scalars(
        select(func.count()).where(
            recovery_codes.c.admin_id == admin_id, recovery_codes.c.used_at.is_(None)
        )
    ).one()


def roles_asked(connection: Connection, programme_id: int) -> set[str]:
    """Which roles of a programme must have a second factor."""
    here = second_factor_roles.c.programme_id == programme_id
    return set(connection.scalars(select(second_factor_roles.c.role).where(here)))


def ask_roles(connection: Connection, programme_id: int, roles: Iterable[str]) -> None:
    """These from now on."""
    here = second_factor_roles.c.programme_id == programme_id
    connection.execute(delete(second_factor_roles).where(here))
    rows = [{"programme_id": programme_id, "role": role} for role in sorted(set(roles))]
    if rows:
        connection.execute(insert(second_factor_roles), rows)
