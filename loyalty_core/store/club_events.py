"""Queries over places at club events.  A count and its guests change together, the count locked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.sets import among
from loyalty_core.store.tables import event_guests, event_places

_PLACES = event_places.c
_GUESTS = event_guests.c


def lock_event(connection: Connection, programme_id: int, event: str, places: int) -> int:
    """How many places of an event (its folded code) are taken, held until the transaction ends."""
    connection.execute(
        insert_or(connection, event_places).on_conflict_do_nothing(),
        {"programme_id": programme_id, "event": event, "places": places, "taken": 0},
    )
    mine = (_PLACES.programme_id == programme_id, _PLACES.event == event)
    return int(connection.scalar(select(_PLACES.taken).where(*mine).with_for_update()) or 0)


def taken_of(connection: Connection, programme_id: int, events: Collection[str]) -> dict[str, int]:
    """How many places are taken of each event that any were ever taken of."""
    found = connection.execute(
        select(_PLACES.event, _PLACES.taken).where(
            _PLACES.programme_id == programme_id, among(_PLACES.event, "events")
        ),
        {"events": events},
    )
    return dict(found.all())


def events_of(connection: Connection, member_id: int) -> dict[str, datetime]:
    """Where the member has a place, and since when."""
    query = select(_GUESTS.event, _GUESTS.at).where(_GUESTS.member_id == member_id)
    return dict(connection.execute(query.order_by(_GUESTS.event)).all())


def add_guest(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    event: str,
    member_id: int,
    *,
    taken: int,
    places: int,
    at: datetime,
) -> None:
    """One place more of a locked event.  Rules may say fewer `places` than are taken already."""
    connection.execute(
        update(event_places)
        .where(_PLACES.programme_id == programme_id, _PLACES.event == event)
        .values(taken=taken + 1, places=max(places, taken + 1))
    )
    row = {"programme_id": programme_id, "event": event, "member_id": member_id, "at": at}
    connection.execute(insert(event_guests).values(row))


def drop_guest(connection: Connection, programme_id: int, event: str, member_id: int) -> None:
    """The member's place is free again, if there was one."""
    lock_event(connection, programme_id, event, 1)
    gone = connection.execute(
        delete(event_guests).where(
            _GUESTS.programme_id == programme_id,
            _GUESTS.event == event,
            _GUESTS.member_id == member_id,
        )
    )
    if gone.rowcount:
        mine = (_PLACES.programme_id == programme_id, _PLACES.event == event)
        connection.execute(update(event_places).where(*mine).values(taken=_PLACES.taken - 1))


def move_guest(connection: Connection, programme_id: int, old: int, new: int) -> None:
    """One member's places are another's; where both had one, one is free again."""
    mine = events_of(connection, new)
    for event in events_of(connection, old):
        if event in mine:
            drop_guest(connection, programme_id, event, old)
    move = update(event_guests).where(_GUESTS.member_id == old)
    connection.execute(move.values(member_id=new))


def forget_guest(connection: Connection, programme_id: int, ids: Collection[int]) -> None:
    for member in ids:
        for event in events_of(connection, member):
            drop_guest(connection, programme_id, event, member)
