"""What the hub knows of a person: handed over, or erased (ledger sums stay)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.service.certificates import member_certificates
from loyalty_core.service.coupons import member_coupons
from loyalty_core.service.member_pages import member_ledger, member_lots, member_purchases
from loyalty_core.service.members import PROFILE, get_member, member_row
from loyalty_core.service.personal_lists import member_lists
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import (
    certificates,
    club_events,
    clubs,
    confirmations,
    coupons,
    holds,
    outbox,
    personal,
    purchases,
    rewards,
    tiers,
)
from loyalty_core.store import members as store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.traces import Person, erase_traces

_PAGE = 500


def export_member(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> dict[str, Any]:
    """Everything kept of a member, wire-ready.  Raises: MemberNotFound."""
    card = get_member(connection, plans, programme_id, member_id, now=now)
    number = member_row(connection, programme_id, card.id)["id"]
    ids = [number]
    return {
        "member": {
            "id": card.id,
            "state": card.state,
            "phone": card.phone,
            "email": card.email,
            "cards": list(card.cards),
            "externals": [{"system": one.system, "id": one.id} for one in card.externals],
            **card.profile,
            "attributes": card.attributes,
            "consents": card.consents,
            "source": card.source,
            "reward": card.reward.code if card.reward and card.reward.chosen else None,
            "created_at": card.created_at.isoformat(),
        },
        "tiers": [
            {"tier": one.tier, "after": one.at.isoformat()}
            for one in tiers.tier_history(connection, [number]).get(number, [])
            if one.at <= now
        ],
        "ledger": _all(
            lambda cursor: member_ledger(
                connection, programme_id, card.id, cursor=cursor, limit=_PAGE
            )
        ),
        "lists": [
            {
                "code": one.code,
                "items": [
                    {one_.kind: one_.name, "until": one_.until and one_.until.isoformat()}
                    for one_ in one.items
                ],
            }
            for one in member_lists(connection, plans, programme_id, card.id, now=now)
        ],
        "events": [
            {"event": event, "at": at.isoformat()}
            for event, at in club_events.events_of(connection, number).items()
        ],
        "clubs": [
            {
                "club": span.club,
                "from": span.starts_at.isoformat(),
                "until": span.until and span.until.isoformat(),
                "source": span.source,
            }
            for span in clubs.memberships_of(connection, [number])[number]
        ],
        "lots": member_lots(connection, programme_id, card.id),
        "coupons": member_coupons(connection, programme_id, card.id, now=now),
        "certificates": member_certificates(connection, programme_id, card.id, now=now),
        "purchases": _all(
            lambda cursor: member_purchases(
                connection, programme_id, card.id, cursor=cursor, limit=_PAGE
            )
        ),
        "messages": [_told(row) for row in outbox.messages_of(connection, ids)],
        "codes": [_told(row) for row in confirmations.of_members(connection, ids)],
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def erase_member(
    connection: Connection, programme_id: int, member_id: str, *, author: str, now: datetime
) -> dict[str, Any]:
    """Forget the person; points and sums stay, under a number without a name, and gift
    certificates, which somebody has paid for, are of whoever has the code.

    What came for the person and was not booked yet ends as well; what comes for an old
    receipt afterwards moves nothing and says nothing of the person.  A new receipt is a new
    fact: whoever buys again may be enrolled again.

    Gives the act of erasure, wire-ready.  Raises: MemberNotFound.
    """
    row = member_row(connection, programme_id, member_id)
    number = row["id"]
    ids = [number, *store.aliases_of(connection, [number]).get(number, [])]
    names = [key for keys in store.names_of(connection, ids).values() for key, _ in keys]
    erase_traces(connection, Person(programme_id, tuple(ids), tuple(names)), now=now)
    store.drop_names(connection, programme_id, names)
    blank: dict[str, Any] = dict.fromkeys((*PROFILE, "referrer"))
    for one in ids:
        store.change_member(connection, one, {**blank, "attributes": {}, "consents": {}})
    store.change_member(
        connection, number, {"state": "erased", "next_tier_at": None, "tier_look_at": None}
    )
    tiers.drop_tier_changes(connection, ids, after=now)
    rewards.forget_choices(connection, ids)
    personal.forget_goods(connection, ids)
    clubs.forget_clubs(connection, ids)
    club_events.forget_guest(connection, programme_id, ids)
    receipts = purchases.forget_people(connection, ids)
    holds.forget_people(connection, ids)
    confirmations.forget_members(connection, ids)
    outbox.forget_member(connection, programme_id, ids, [key.value for key in names])
    ended = coupons.forget_people(connection, programme_id, ids)
    freed = certificates.forget_people(connection, programme_id, ids)
    return {
        "member": to_wire("m", number),
        "erased_at": now.isoformat(),
        "by": author,
        "names": len(names),
        "receipts": receipts,
        "coupons": ended,
        "certificates": freed,
    }


def _all(page_of: Any) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = page_of(cursor)
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return items
