"""Places at club events: seen, taken once by each member, given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.club_events import ClubEvent, open_events
from loyalty_core.domain.errors import EventNotFound, NoPlaces
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.service.member_offers import seen_by
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import club_events as store


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as a member sees it.  `left`: places that are free; `mine`: one is the member's;
    `fresh`: it was taken just now."""

    event: ClubEvent
    left: int
    mine: bool
    fresh: bool = False


def member_events(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> list[EventView]:
    """Events to come that this member may see, where a place is free or the member's own.

    Raises: MemberNotFound.
    """
    row = member_row(connection, programme_id, member_id)
    plan, scene = seen_by(connection, plans, row, now)
    events = list(open_events(plan.rules.club_events, scene))
    if not events:
        return []
    taken = store.taken_of(connection, programme_id, [fold(one.code) for one in events])
    mine = store.events_of(connection, row["id"])
    found = [
        EventView(
            one, max(0, one.places - taken.get(fold(one.code), 0)), mine=fold(one.code) in mine
        )
        for one in events
    ]
    return [one for one in found if one.left or one.mine]


def take_place(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    code: str,
    *,
    now: datetime,
) -> EventView:
    """Take a place for the member; who has one keeps it.

    Raises: MemberNotFound, EventNotFound (also one that is not for this member, or has begun),
    NoPlaces.
    """
    member = lock_member(connection, programme_id, member_id)
    row = member_row(connection, programme_id, member_id)
    plan, scene = seen_by(connection, plans, row, now)
    named = fold(code)
    event = next(
        (one for one in open_events(plan.rules.club_events, scene) if fold(one.code) == named), None
    )
    if event is None:
        raise EventNotFound
    taken = store.lock_event(connection, programme_id, named, event.places)
    if named in store.events_of(connection, member):
        return EventView(event, max(0, event.places - taken), mine=True)
    if taken >= event.places:
        raise NoPlaces
    store.add_guest(
        connection, programme_id, named, member, taken=taken, places=event.places, at=now
    )
    return EventView(event, event.places - taken - 1, mine=True, fresh=True)


def give_back_place(connection: Connection, programme_id: int, member_id: str, code: str) -> None:
    """Free the member's place, if there is one.  Raises: MemberNotFound."""
    member = lock_member(connection, programme_id, member_id)
    if fold(code) in store.events_of(connection, member):
        store.drop_guest(connection, programme_id, fold(code), member)
