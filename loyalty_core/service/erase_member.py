"""What the hub knows of a person: handed over, or erased (ledger sums stay)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.domain.members import IdentityKey, hashed
from loyalty_core.service.certificates import member_certificates
from loyalty_core.service.consent_views import all_statements, keep_evidence, told
from loyalty_core.service.coupons import member_coupons
from loyalty_core.service.member_pages import member_ledger, member_lots, member_purchases
from loyalty_core.service.members import PROFILE, get_member, member_row
from loyalty_core.service.order_rewards import cancel_orders_of_erased
from loyalty_core.service.personal_lists import member_lists
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.reward_shelf import member_orders
from loyalty_core.store import (
    audit,
    balance_pushes,
    certificates,
    club_events,
    clubs,
    confirmations,
    coupons,
    happenings,
    holds,
    looked_at,
    notes,
    outbox,
    personal,
    purchases,
    receipt_claims,
    rewards,
    sent_messages,
    tiers,
)
from loyalty_core.store import cards as member_cards
from loyalty_core.store import members as store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.traces import Person, erase_traces
from loyalty_kit.money import format_decimal

_PAGE = 500
EVIDENCE = "evidence of consents"
"""The purpose of the vault's key for names of who was erased."""


def export_member(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> dict[str, Any]:
    """Everything kept of a member, wire-ready.  Raises: MemberNotFound."""
    card = get_member(connection, plans, programme_id, member_id, now=now)
    row = member_row(connection, programme_id, card.id)
    number = row["id"]
    ids = [number]
    known = [number, *store.aliases_of(connection, ids).get(number, [])]
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
            "noted_consents": row["consents"],
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
        "actions": [
            {
                "kind": one.kind,
                "at": one.occurred_at.isoformat(),
                "state": one.state,
                "product": one.product,
                "data": one.data,
            }
            for one in happenings.happenings_of(connection, known)
        ],
        "receipts": [
            {
                "fn": one.sign.fn,
                "fd": one.sign.fd,
                "fp": one.sign.fp,
                "bought_at": one.bought_at.isoformat(),
                "sum": format_decimal(one.sum_minor),
                "state": one.state,
                "made_at": one.made_at.isoformat(),
            }
            for one in receipt_claims.claims_of_members(connection, known)
        ],
        "cards": [
            {
                "number": one.number,
                "issued_at": one.issued_at.isoformat(),
                "ended_at": one.ended_at and one.ended_at.isoformat(),
            }
            for one in member_cards.cards_of(connection, known)
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
        "orders": _all(
            lambda cursor: member_orders(
                connection, programme_id, card.id, cursor=cursor, limit=_PAGE
            )
        ),
        "certificates": member_certificates(connection, programme_id, card.id, now=now),
        "purchases": _all(
            lambda cursor: member_purchases(
                connection, plans, programme_id, card.id, cursor=cursor, limit=_PAGE
            )
        ),
        "messages": [_told(row) for row in outbox.messages_of(connection, ids)],
        "sent_messages": [_told(row) for row in sent_messages.of_members(connection, ids)],
        "balance_shown": [
            {"connection": to_wire("i", home), "at": at.isoformat()}
            for home, at in balance_pushes.told_of(connection, ids)
        ],
        "codes": [_told(row) for row in confirmations.of_members(connection, ids)],
        "consents": [told(one) for one in all_statements(connection, number)],
        "notes": [
            {"text": one.text, "by": one.author, "at": one.made_at.isoformat()}
            for one in notes.notes_of(connection, known)
        ],
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def erase_member(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: str,
    *,
    author: str,
    evidence_key: bytes,
    now: datetime,
) -> dict[str, Any]:
    """Forget the person; points and sums stay, under a number without a name, gift certificates,
    which somebody has paid for, are of whoever has the code, and the proof of consents is found
    by hashes of the addresses under `evidence_key`.  By such hashes systems' own records of the
    person are known, too, which enrol nobody any more (`learn_customers`).

    What came for the person and was not booked yet ends as well; what comes for an old
    receipt afterwards moves nothing and says nothing of the person.  A new receipt is a new
    fact: whoever buys again may be enrolled again.

    Gives the act of erasure, wire-ready.  Raises: MemberNotFound.
    """
    number, ids, names = _lock(connection, programme_id, member_id)
    # In the order of `ledger.md` 4; what nobody else holds together with these comes after.
    ended = coupons.forget_people(connection, programme_id, ids)
    freed = certificates.forget_people(connection, programme_id, ids)
    orders = cancel_orders_of_erased(connection, number, ids, author=author, now=now)
    holds.forget_people(connection, ids)
    looked_at.forget_people(connection, programme_id, ids)
    receipts = purchases.forget_people(connection, ids)
    keep_evidence(connection, programme_id, ids, names, key=evidence_key, now=now)
    marks = {hashed(evidence_key, programme_id, one) for one in names if one.kind == "external"}
    store.keep_erased(connection, programme_id, marks)
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
    happenings.forget_products(connection, ids)
    receipt_claims.forget_members(connection, ids)
    member_cards.retire_cards(connection, ids)
    confirmations.forget_members(connection, ids)
    balance_pushes.forget_members(connection, ids)
    outbox.forget_member(connection, programme_id, ids, [key.value for key in names])
    sent_messages.forget_members(connection, ids)
    notes.forget_members(connection, ids)
    audit.note(
        connection, programme_id, "member_erased", to_wire("m", number), author=author, now=now
    )
    return {
        "member": to_wire("m", number),
        "erased_at": now.isoformat(),
        "by": author,
        "names": len(names),
        "receipts": receipts,
        "coupons": ended,
        "orders": orders,
        "certificates": freed,
    }


def _lock(
    connection: Connection, programme_id: int, member_id: str
) -> tuple[int, list[int], list[IdentityKey]]:
    """The member with whoever was merged into it and all names, as they stand under lock.

    Receipts are locked before people, and with the member those whom it sent, who forget it.
    """
    known = member_row(connection, programme_id, member_id)["id"]
    ids = store.known_as(connection, known)
    purchases.lock_of_people(connection, ids)
    told = {key.value for key in _names(connection, ids)} | {to_wire("m", one) for one in ids}
    sent = store.referred_by(connection, programme_id, told)
    number = store.lock_survivors(connection, programme_id, [known, *sent])[known]
    if number is None:
        raise MemberNotFound
    ids = store.known_as(connection, number)
    return number, ids, _names(connection, ids)


def _names(connection: Connection, ids: list[int]) -> list[IdentityKey]:
    return [key for keys in store.names_of(connection, ids).values() for key, _ in keys]


def _all(page_of: Any) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = page_of(cursor)
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return items
