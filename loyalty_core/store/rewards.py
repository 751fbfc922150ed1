"""Queries over the forms of reward that members chose, and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.sets import among
from loyalty_core.store.tables import members, reward_choices


class Choice(NamedTuple):
    """From `at` on; None: the programme's default."""

    at: datetime
    reward: str | None


_CHOICES = (
    select(reward_choices.c.member_id, reward_choices.c.at, reward_choices.c.reward)
    .where(among(reward_choices.c.member_id, "ids"))
    .order_by(reward_choices.c.member_id, reward_choices.c.at)
)


def choices_of(connection: Connection, ids: Collection[int]) -> dict[int, list[Choice]]:
    """What each has chosen, in the order of time."""
    found: dict[int, list[Choice]] = defaultdict(list)
    for member, at, reward in connection.execute(_CHOICES, {"ids": ids}):
        found[member].append(Choice(at, reward))
    return found


def choose(connection: Connection, member_id: int, reward: str | None, at: datetime) -> None:
    connection.execute(update(members).where(members.c.id == member_id).values(reward=reward))
    statement = insert_or(connection, reward_choices)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["member_id", "at"], set_={"reward": statement.excluded.reward}
        ),
        {"member_id": member_id, "at": at, "reward": reward},
    )


def move_choices(connection: Connection, old: int, new: int) -> None:
    """Of two who become one, `new` keeps what it chose; if it never did, it has chosen as `old`."""
    known = choices_of(connection, [old, new])
    if not known[new] and known[old]:
        move = update(reward_choices).where(reward_choices.c.member_id == old)
        connection.execute(move.values(member_id=new))
        chosen = known[old][-1].reward
        connection.execute(update(members).where(members.c.id == new).values(reward=chosen))
    forget_choices(connection, [old])


def forget_choices(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(reward_choices).where(reward_choices.c.member_id.in_(ids)))
    connection.execute(update(members).where(members.c.id.in_(ids)).values(reward=None))
