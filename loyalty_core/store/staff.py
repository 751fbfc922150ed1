"""Who is what in which programme, and who is invited: queries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, insert, or_, select, update

from loyalty_core.domain.staff import Grant, Role
from loyalty_core.store.ids import new_id
from loyalty_core.store.tables import admins, invitations, staff


@dataclass(frozen=True, slots=True)
class Post:
    """A person's grant; `programme_id` None: in all programmes."""

    id: int
    admin_id: int
    login: str
    programme_id: int | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class Invitation:
    id: int
    programme_id: int
    login: str
    grant: Grant
    author: str
    made_at: datetime
    ends_at: datetime
    taken_at: datetime | None


def posts_in(connection: Connection, programme_id: int) -> list[Post]:
    """Everybody who may enter the programme, by login; of two grants of one person both."""
    here = or_(staff.c.programme_id == programme_id, staff.c.programme_id.is_(None))
    found = connection.execute(_posts().where(here).order_by(admins.c.login, staff.c.id))
    return [_post(row) for row in found]


def posts_of(connection: Connection, admin_id: int) -> list[Post]:
    """All grants of a person."""
    found = connection.execute(_posts().where(staff.c.admin_id == admin_id).order_by(staff.c.id))
    return [_post(row) for row in found]


def put_post(
    connection: Connection, admin_id: int, programme_id: int | None, grant: Grant, *, now: datetime
) -> None:
    """The grant from now on, instead of the one for the same programme."""
    values = words_of(grant)
    changed = connection.execute(
        update(staff).where(*_own(admin_id, programme_id)).values(values)
    ).rowcount
    if not changed:
        connection.execute(
            insert(staff).values(
                id=new_id(now),
                admin_id=admin_id,
                programme_id=programme_id,
                created_at=now,
                **values,
            )
        )


def words_of(grant: Grant) -> dict[str, Any]:
    """A grant as its columns."""
    shops = None if grant.shops is None else list(grant.shops)
    return {"role": grant.role.value, "day_points": grant.day_points, "shops": shops}


def drop_post(connection: Connection, admin_id: int, programme_id: int | None) -> None:
    connection.execute(delete(staff).where(*_own(admin_id, programme_id)))


def lock_posts(connection: Connection, programme_id: int | None) -> None:
    """Nobody else changes who may enter the programme (None: any) until the transaction ends."""
    here = or_(staff.c.programme_id == programme_id, staff.c.programme_id.is_(None))
    rows = select(staff.c.id).order_by(staff.c.id).with_for_update()
    connection.execute(rows if programme_id is None else rows.where(here))


def count_given(connection: Connection, post_id: int, day: str, points: int) -> bool:
    """Count points (hundredths) given by hand on a day; False where the limit does not let
    them through, and nothing is counted."""
    so_far = case((staff.c.day == day, staff.c.given), else_=0)
    within = or_(staff.c.day_points.is_(None), so_far + points <= staff.c.day_points)
    counted = connection.execute(
        update(staff).where(staff.c.id == post_id, within).values(given=so_far + points, day=day)
    )
    return counted.rowcount == 1


def given_on(connection: Connection, post_id: int, day: str) -> int:
    """Hundredths of points given by hand on that day so far."""
    found = connection.execute(
        select(staff.c.given).where(staff.c.id == post_id, staff.c.day == day)
    ).scalar()
    return found or 0


def at_their_limit(connection: Connection, programme_id: int, day: str) -> list[str]:
    """Logins of those who have given by hand all that the day allows."""
    found = connection.execute(
        select(admins.c.login)
        .join(admins, admins.c.id == staff.c.admin_id)
        .where(
            staff.c.programme_id == programme_id,
            staff.c.day == day,
            staff.c.day_points > 0,
            staff.c.given >= staff.c.day_points,
        )
        .order_by(admins.c.login)
    )
    return [row.login for row in found]


# --- invitations ----------------------------------------------------------------------------


def digest(token: str) -> str:
    """A token is 256 bits of chance, so a plain hash of it tells nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def add_invitation(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(invitations).values(**values))


def open_invitations(connection: Connection, programme_id: int, now: datetime) -> list[Invitation]:
    """Those that can still be taken, the newest first."""
    found = connection.execute(
        select(invitations)
        .where(
            invitations.c.programme_id == programme_id,
            invitations.c.taken_at.is_(None),
            invitations.c.ends_at > now,
        )
        .order_by(invitations.c.id.desc())
    )
    return [_invitation(row) for row in found]


def find_invitation(connection: Connection, token: str) -> Invitation | None:
    """The invitation, whatever became of it."""
    row = connection.execute(select(invitations).where(invitations.c.hash == digest(token))).first()
    return None if row is None else _invitation(row)


def take_invitation(connection: Connection, invitation_id: int, now: datetime) -> bool:
    """Mark it taken; False where somebody was faster, or it has ended."""
    taken = connection.execute(
        update(invitations)
        .where(
            invitations.c.id == invitation_id,
            invitations.c.taken_at.is_(None),
            invitations.c.ends_at > now,
        )
        .values(taken_at=now)
    )
    return taken.rowcount == 1


def drop_invitation(connection: Connection, programme_id: int, invitation_id: int) -> bool:
    """Take it back; False where there is none that is open."""
    gone = connection.execute(
        delete(invitations).where(
            invitations.c.id == invitation_id,
            invitations.c.programme_id == programme_id,
            invitations.c.taken_at.is_(None),
        )
    )
    return gone.rowcount == 1


def drop_invitations_by(connection: Connection, author: str, programme_id: int | None) -> None:
    """Open invitations of somebody who may invite no more; `programme_id` None: to all."""
    query = delete(invitations).where(
        invitations.c.author == author, invitations.c.taken_at.is_(None)
    )
    if programme_id is not None:
        query = query.where(invitations.c.programme_id == programme_id)
    connection.execute(query)


def _posts() -> Select[Any]:
    return select(
        staff.c.id,
        staff.c.admin_id,
        admins.c.login,
        staff.c.programme_id,
        staff.c.role,
        staff.c.day_points,
        staff.c.shops,
    ).join(admins, admins.c.id == staff.c.admin_id)


def _own(admin_id: int, programme_id: int | None) -> tuple[Any, ...]:
    where = staff.c.programme_id
    here = where.is_(None) if programme_id is None else where == programme_id
    return staff.c.admin_id == admin_id, here


def _post(row: Row[Any]) -> Post:
    return Post(row.id, row.admin_id, row.login, row.programme_id, _grant(row))


def _grant(row: Row[Any]) -> Grant:
    shops = None if row.shops is None else tuple(row.shops)
    return Grant(Role(row.role), row.day_points, shops)


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        row.id,
        row.programme_id,
        row.login,
        _grant(row),
        row.author,
        row.made_at,
        row.ends_at,
        row.taken_at,
    )
