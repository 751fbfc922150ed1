"""A number of the programme's own series becomes a member's card."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.card_numbers import CardSeries, new_number
from loyalty_core.domain.members import card_key
from loyalty_core.service import identify
from loyalty_core.store import cards as store
from loyalty_core.store import members
from loyalty_core.store.cards import KeptCard

_TRIES = 20


def give_card(
    connection: Connection, programme_id: int, series: CardSeries, member: int, now: datetime
) -> KeptCard:
    """A new card of a member who has none; the member's row is locked, or new."""
    for _ in range(_TRIES):
        card = KeptCard(new_number(series.prefix, secrets.randbelow), member, now)
        if _take(connection, programme_id, card):
            return card
    raise AssertionError("no number of the series is free")


def _take(connection: Connection, programme_id: int, card: KeptCard) -> bool:
    """Make the number the member's, unless it is or was somebody's."""
    key = card_key(card.number)
    identify.lock_names(connection, programme_id, [key])
    taken = members.owners(connection, programme_id, [key])
    if taken or store.issued(connection, programme_id, [card.number]):
        return False
    if not store.add_card(connection, programme_id, card):
        return False
    name = identify.name_row(programme_id, key, card.member_id, verified=True, now=card.issued_at)
    members.add_names(connection, [name])
    return True
