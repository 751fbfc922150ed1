"""What was bought before the hub: it counts for tiers, favourites and first purchases, and moves
no points, since balances are brought in apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.service.booking import Booked, Moved
from loyalty_core.service.imports import Ground
from loyalty_core.service.receipts import receipt_of
from loyalty_core.service.standing import Counted, Standings
from loyalty_core.store import members
from loyalty_core.store import purchases as store
from loyalty_core.store.codec import to_json
from loyalty_core.store.event_words import hash_of
from loyalty_core.store.ids import new_id, to_wire
from loyalty_core.store.past_sales import first_brought_in
from loyalty_core.store.programmes import Shop
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import LineKind, Purchase

BEFORE = "before:"
"""The past purchase in which all is that a member bought before is named so, and by the member."""


def spent_before(
    connection: Connection, programme_id: int, sources: Collection[str], ids: Collection[int]
) -> dict[int, datetime]:
    """Members of whom a file of these sources has told what they bought before, and until when."""
    owner = {member: member for member in ids}
    for member, aliases in members.aliases_of(connection, ids).items() if ids else ():
        owner |= dict.fromkeys(aliases, member)
    keys = {
        (programme_id, source, f"{BEFORE}{to_wire('m', number)}"): member
        for number, member in owner.items()
        for source in sources
    }
    found = store.purchases_by_key(connection, keys) if keys else {}
    until: dict[int, datetime] = {}
    for key, kept in found.items():
        at = kept.event.occurred_at
        until[keys[key]] = max(at, until.get(keys[key], at))
    return until


def receipts_since(
    connection: Connection, programme_id: int, sources: Collection[str], ids: Collection[int]
) -> dict[int, datetime]:
    """Members of whom files of these sources have told receipts, and since when."""
    if not ids or not sources:
        return {}
    return first_brought_in(connection, programme_id, sources, ids, but=BEFORE)


def past_purchase(  # noqa: PLR0913 - each is a word of its own to the caller
    ground: Ground, source: str, shop: Shop, event: Purchase, member: int | None, *, now: datetime
) -> KeptPurchase:
    """A paid purchase as it is kept; nothing is earned by it and nothing was spent."""
    kept = KeptPurchase(
        new_id(now),
        ground.programme.id,
        source,
        event,
        hash_of(event),
        shop.id,
        member,
        now,
        event.lines,
        is_new=True,
    )
    whose = None if member is None else to_wire("m", member)
    answer = receipt_of(to_wire("p", kept.id), "booked", whose, Moved()).kept()
    booked = Booked(rules_version=ground.plan.version, rated=member is not None, answer=answer)
    kept.booking = to_json(booked)
    kept.qualifying_minor = sum(
        line.paid_minor for line in event.lines if line.kind is LineKind.GOODS
    )
    return kept


def book_history(
    connection: Connection, ground: Ground, kept: Sequence[KeptPurchase], *, now: datetime
) -> None:
    """Write past purchases and count them for their members, whom nobody tells of a new tier.

    Raises: BeyondCount.
    """
    ids = sorted({one.member_id for one in kept if one.member_id is not None})
    standings = Standings(connection, ground.programme.id, ids, ground.ladder, now)
    for one in kept:
        if one.member_id is not None:
            at = one.event.occurred_at
            standings.count_purchase(
                one.member_id, Counted(one.id, 0, one.qualifying_minor, at), at
            )
    store.write_purchases(connection, kept)
    standings.write(aloud=False)
