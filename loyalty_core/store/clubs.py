"""Queries over memberships in clubs, and over what they follow from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, update

from loyalty_core.domain.clubs import Grant, Span
from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import club_grants, memberships

_GRANT = ("club", "kind", "ref", "at", "days", "until")
_SPAN = ("club", "starts_at", "until", "source")
_GRANTS = (
    club_grants.select()
    .with_only_columns(club_grants.c.member_id, *(club_grants.c[name] for name in _GRANT))
    .where(among(club_grants.c.member_id, "ids"))
)
_SPANS = (
    memberships.select()
    .with_only_columns(memberships.c.member_id, *(memberships.c[name] for name in _SPAN))
    .where(among(memberships.c.member_id, "ids"))
    .order_by(memberships.c.member_id, memberships.c.club, memberships.c.starts_at)
)


def grants_of(connection: Connection, ids: Collection[int]) -> dict[int, list[Grant]]:
    found: dict[int, list[Grant]] = defaultdict(list)
    for member, *said in connection.execute(_GRANTS, {"ids": ids}):
        found[member].append(Grant(*said))
    return found


def memberships_of(connection: Connection, ids: Collection[int]) -> dict[int, list[Span]]:
    """All there were and are, by club and time."""
    found: dict[int, list[Span]] = defaultdict(list)
    for member, *said in connection.execute(_SPANS, {"ids": ids}):
        found[member].append(Span(*said))
    return found


def clubs_at(found: Collection[Span], moment: datetime) -> frozenset[str]:
    """Folded codes of the clubs that one is in at that time."""
    return frozenset(span.club for span in found if span.holds(moment))


def write_clubs(
    connection: Connection,
    grants: Mapping[int, Collection[Grant]],
    found: Mapping[int, Collection[Span]],
) -> None:
    """All grants and memberships of these members; their rows are locked."""
    for table in (club_grants, memberships):
        connection.execute(delete(table).where(among(table.c.member_id, "ids")), {"ids": [*grants]})
    insert_many(
        connection,
        club_grants,
        ("member_id", *_GRANT),
        [
            (member, *(getattr(one, name) for name in _GRANT))
            for member, own in grants.items()
            for one in own
        ],
    )
    insert_many(
        connection,
        memberships,
        ("member_id", *_SPAN),
        [
            (member, *(getattr(one, name) for name in _SPAN))
            for member, own in found.items()
            for one in own
        ],
    )


def move_grants(connection: Connection, old: int, new: int) -> None:
    """Grants of one member are another's; what they come to is written anew by the caller."""
    move = update(club_grants).where(club_grants.c.member_id == old)
    connection.execute(move.values(member_id=new))
    connection.execute(delete(memberships).where(memberships.c.member_id == old))


def forget_clubs(connection: Connection, ids: Collection[int]) -> None:
    for table in (club_grants, memberships):
        connection.execute(delete(table).where(among(table.c.member_id, "ids")), {"ids": [*ids]})
