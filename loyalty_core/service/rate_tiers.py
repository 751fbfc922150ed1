"""Tiers that nobody's purchase moves: what time brings, and what a changed ladder does to all.

Members are worked through in small transactions, so that a till never waits for long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.standing import Standings
from loyalty_core.store import members, programmes
from loyalty_core.store import tiers as store

BATCH = 200


def ladder_of(connection: Connection, plans: PlanCache, programme_id: int) -> Ladder:
    """The ladder in force.  Raises: ProgrammeNotFound."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    return Ladder.of(rules, ZoneInfo(programme.timezone))


def standings_of(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    ids: Collection[int],
    now: datetime,
) -> tuple[list[int], Standings]:
    """Those of the members that still are members, their rows locked, and how they stand."""
    found = members.lock_survivors(connection, programme_id, ids)
    alive = [number for number in sorted(ids) if found.get(number) == number]
    ladder = ladder_of(connection, plans, programme_id)
    return alive, Standings(connection, programme_id, alive, ladder, now)


def roll_tiers(
    connection: Connection, plans: PlanCache, *, now: datetime, limit: int = BATCH
) -> int:
    """Book scheduled changes whose time has come, and warn of falls that are near; how many."""
    done = 0
    due = store.members_to_look_at(connection, now, limit)
    for programme_id, ids in sorted(due.items()):
        alive, standings = standings_of(connection, plans, programme_id, ids, now)
        for member in alive:
            standings.roll(member)
        standings.write()
        done += len(alive)
    return done


# --- a changed ladder -----------------------------------------------------------------------


def rate_tiers(
    connection: Connection, plans: PlanCache, *, now: datetime, limit: int = BATCH
) -> int:
    """Rate some members by ladders that have changed, of each programme where there are any."""
    return sum(
        rate_some(connection, plans, programme_id, now=now, limit=limit)
        for programme_id in sorted(store.cursors(connection))
    )


def rate_some(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    *,
    now: datetime,
    limit: int = BATCH,
) -> int:
    """Rate the next members of a programme, in id order; how many, 0: all are rated.

    How far it has come stands at the programme, so whoever goes on begins there.
    """
    cursor = store.lock_cursor(connection, programme_id)
    if cursor is None:
        return 0
    ids = store.members_after(connection, programme_id, cursor, limit)
    if not ids:
        store.set_cursor(connection, programme_id, None)
        return 0
    alive, standings = standings_of(connection, plans, programme_id, ids, now)
    for member in alive:
        standings.settle(member, now)
    standings.write()
    store.set_cursor(connection, programme_id, ids[-1])
    return len(ids)


@dataclass(frozen=True, slots=True)
class Moves:
    """Of some members: how many there were, and how many would move from which tier to which."""

    members: int
    moves: Counter[tuple[str | None, str | None]]


def try_rating(
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    *,
    now: datetime,
    limit: int = BATCH,
) -> Iterator[Moves]:
    """What rating all members by the ladder in force would move, some at a time; writes nothing.

    Raises: ProgrammeNotFound.
    """
    ladder, after = ladder_of(connection, plans, programme_id), 0
    while ids := store.members_after(connection, programme_id, after, limit):
        after = ids[-1]
        given = store.contributions(connection, ladder, ids) if ladder.asks_history else {}
        moves: Counter[tuple[str | None, str | None]] = Counter()
        for member, (tier, spent_minor) in store.known_tiers(connection, ids, now).items():
            if ladder.asks_history:
                would = ladder.code(ladder.place(given[member].values(), now).rank)
            else:
                would = ladder.reached(spent_minor)
            if would != tier:
                moves[(tier, would)] += 1
        yield Moves(len(ids), moves)
