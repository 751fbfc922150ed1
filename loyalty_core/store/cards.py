"""Queries over cards of the programme's own series.

A live card's number is a name of its member too (`identities`), which is how a till finds the
member; the row here says which of the names the programme has issued, and keeps numbers that
are dead from being anybody's again, also those of people who were erased.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from loyalty_core.store.sets import among, insert_many
from loyalty_core.store.tables import cards, retired_cards


@dataclass(frozen=True, slots=True)
class KeptCard:
    number: str
    member_id: int
    issued_at: datetime
    ended_at: datetime | None = None


_OWN = ("number", "member_id", "issued_at", "ended_at")
_COLUMNS = [cards.c[name] for name in _OWN]


def live_card(connection: Connection, member_id: int) -> KeptCard | None:
    """The card that the member has; a member has one."""
    row = connection.execute(
        select(*_COLUMNS).where(cards.c.member_id == member_id, cards.c.ended_at.is_(None))
    ).first()
    return None if row is None else KeptCard(*row)


def cards_of(connection: Connection, ids: Collection[int]) -> list[KeptCard]:
    """All that these members ever had, the oldest first."""
    query = select(*_COLUMNS).where(cards.c.member_id.in_(ids)).order_by(cards.c.issued_at)
    return [KeptCard(*row) for row in connection.execute(query)]


def add_card(connection: Connection, programme_id: int, card: KeptCard) -> bool:
    """Whether the number was free; the primary key decides."""
    row = (programme_id, *(getattr(card, name) for name in _OWN))
    key = ("programme_id", "number")
    return insert_many(connection, cards, ("programme_id", *_OWN), [row], unless=key) == 1


def end_card(connection: Connection, member_id: int, now: datetime) -> None:
    """The member's live card is dead from now on."""
    connection.execute(
        update(cards)
        .where(cards.c.member_id == member_id, cards.c.ended_at.is_(None))
        .values(ended_at=now)
    )


def issued(connection: Connection, programme_id: int, numbers: Collection[str]) -> set[str]:
    """Of these numbers, those that the programme has issued at any time."""
    if not numbers:
        return set()
    own, gone = (
        select(table.c.number).where(
            table.c.programme_id == programme_id, among(table.c.number, "numbers")
        )
        for table in (cards, retired_cards)
    )
    return set(connection.scalars(own.union_all(gone), {"numbers": numbers}))


def move_cards(connection: Connection, old: int, new: int, now: datetime) -> None:
    """One member's cards are another's, whose own stays the live one.

    The number of the other one goes on as a name like that of any card.
    """
    if live_card(connection, new) is not None:
        end_card(connection, old, now)
    connection.execute(update(cards).where(cards.c.member_id == old).values(member_id=new))


def retire_cards(connection: Connection, ids: Collection[int]) -> None:
    """These numbers are nobody's, and nobody will have them again: somebody may still show one."""
    theirs = cards.c.member_id.in_(ids)
    numbers = select(cards.c.programme_id, cards.c.number).where(theirs)
    connection.execute(insert(retired_cards).from_select(["programme_id", "number"], numbers))
    connection.execute(delete(cards).where(theirs))
