"""The laws of certificates as queries; figures made anew from movements."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, or_, select

from loyalty_core.domain.certificate_book import Figures
from loyalty_core.store.certificates import (
    CHANGES,
    FIGURES,
    lock_by_id,
    moves_of,
    write_certificates,
)
from loyalty_core.store.tables import certificate_moves as moves
from loyalty_core.store.tables import certificates, holds


def differing(
    connection: Connection, programme_id: int | None
) -> list[tuple[int, Figures, Figures]]:
    """Certificates that are not the sums of their movements: what they say, and the sums."""
    sums = (
        select(
            moves.c.certificate_id,
            func.count().label("times"),
            *(func.sum(moves.c[name]).label(name) for name in CHANGES),
        )
        .group_by(moves.c.certificate_id)
        .subquery()
    )
    said = [certificates.c[name] for name in FIGURES]
    summed = [func.coalesce(sums.c[name], 0) for name in CHANGES]
    wrong = [one != other for one, other in zip(said, summed, strict=True)]
    query = (
        select(certificates.c.id, *said, *summed)
        .select_from(certificates.outerjoin(sums, sums.c.certificate_id == certificates.c.id))
        .where(or_(*wrong, certificates.c.moves != func.coalesce(sums.c.times, 0)))
        .order_by(certificates.c.id)
    )
    if programme_id is not None:
        query = query.where(certificates.c.programme_id == programme_id)
    width = len(Figures._fields)
    return [
        (row[0], Figures(*map(int, row[1 : width + 1])), Figures(*map(int, row[width + 1 :])))
        for row in connection.execute(query)
    ]


def kept_for_ended(connection: Connection, programme_id: int | None) -> list[int]:
    """Holds that have ended, or are not there, and still reserve money."""
    reserved = (
        select(moves.c.hold_id)
        .join(certificates, certificates.c.id == moves.c.certificate_id)
        .where(moves.c.hold_id.is_not(None))
        .group_by(moves.c.hold_id)
        .having(func.sum(moves.c.d_reserved_minor) != 0)
    )
    if programme_id is not None:
        reserved = reserved.where(certificates.c.programme_id == programme_id)
    told = reserved.subquery()
    live = and_(holds.c.id == told.c.hold_id, holds.c.state == "live")
    query = select(told.c.hold_id).outerjoin(holds, live).where(holds.c.id.is_(None))
    return sorted(connection.scalars(query))


def rebuild(connection: Connection, programme_id: int | None) -> int:
    """Make figures the sums of their movements again; how many were not."""
    wrong = [number for number, _, _ in differing(connection, programme_id)]
    locked = {one.id: one for one in lock_by_id(connection, wrong)}
    if not locked:
        return 0
    # Summed anew now that nobody else moves them.
    found = [one for one in differing(connection, programme_id) if one[0] in locked]
    for number, _, figures in found:
        one = locked[number]
        one.book.figures, one.changed = figures, True
        one.book.moves_made = len(moves_of(connection, number))
    write_certificates(connection, locked.values())
    return len(found)
