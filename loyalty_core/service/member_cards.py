"""The electronic card: a number of the programme's own, and a code that lives for minutes.

The number is for scanners of goods and never changes until the card is taken away.  The code is
for the QR on the member's screen: it is made of the member, its end and a mark under a secret
key of the hub, so it stands in no row, and a photograph of it is worth nothing after minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.domain.errors import CardNotFound, NotAvailable, ProgrammeNotFound
from loyalty_core.domain.members import card_key
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.own_cards import give_card
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import cards as store
from loyalty_core.store import members, programmes
from loyalty_core.store.cards import KeptCard
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.events import Customer

MEMBER_CODES = "member codes"
"""What the hub derives the secret key of codes for."""
LIVES = timedelta(minutes=2)
TOLD_LATER = timedelta(minutes=15)
"""So long after the end of a code a till may still tell of a receipt with it."""
_MARK = 10


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    ends_at: datetime


def issue_card(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> tuple[KeptCard, bool]:
    """The member's card, and whether this very call issued it.

    Raises: MemberNotFound, NotAvailable (the rules have no series of cards).
    """
    member = lock_member(connection, programme_id, member_id)
    known = store.live_card(connection, member)
    if known is not None:
        return known, False
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    series = plans.get(connection, programme_id, programme.rules_version).rules.cards
    if series is None:
        raise NotAvailable({"feature": "cards"})
    return give_card(connection, programme_id, series, member, now), True


def end_card(connection: Connection, programme_id: int, member_id: str, *, now: datetime) -> None:
    """Own numbers of this member name nobody any more, at once and for good: also those that came
    with a member who was merged in.  Raises: MemberNotFound.
    """
    member = lock_member(connection, programme_id, member_id)
    known = store.cards_of(connection, members.known_as(connection, member))
    if known:
        store.end_card(connection, member, now)
        members.drop_names(connection, programme_id, [card_key(one.number) for one in known])


def card_of(connection: Connection, programme_id: int, member_id: str) -> KeptCard:
    """Raises: MemberNotFound, CardNotFound."""
    number = member_row(connection, programme_id, member_id)["id"]
    card = store.live_card(connection, number)
    if card is None:
        raise CardNotFound
    return card


# --- codes ----------------------------------------------------------------------------------


def make_code(secret: bytes, programme_id: int, member_id: int, now: datetime) -> Code:
    """A code of capital letters and digits, which QR writes small."""
    ends = int((now + LIVES).timestamp())
    wire = to_wire("m", member_id).removeprefix("m_").upper()
    text = f"{wire}-{ends}-{_mark(secret, programme_id, wire, ends)}"
    return Code(text, datetime.fromtimestamp(ends, UTC))


def known_by_code(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    secrets: Iterable[bytes],
    programme_id: int,
    customer: Customer,
    at: datetime,
    *,
    later: timedelta,
) -> Customer:
    """The customer with the id that a good code stands for; else as it was told.

    `at` is when the code was shown, as far as the caller knows; `later`: for how long after
    its end it is taken.  The card that it was made of must have lived by then.  The hub's own
    id, where it is told, counts more (`ledger.md` 27).
    """
    if customer.code is None or customer.id is not None:
        return customer
    wire, _, rest = customer.code.strip().upper().partition("-")
    ends, _, mark = rest.partition("-")
    if not (ends.isascii() and ends.isdecimal() and len(ends) <= len("9999999999")):
        return customer
    number = from_wire("m", f"m_{wire.lower()}")
    lasts = at < datetime.fromtimestamp(int(ends), UTC) + later
    if number is None or not lasts:
        return customer
    marks = (_mark(one, programme_id, wire, int(ends)) for one in secrets)
    if not any(hmac.compare_digest(mark.encode(), one.encode()) for one in marks):
        return customer
    made_before = datetime.fromtimestamp(int(ends), UTC) - LIVES + timedelta(seconds=1)
    if not _had_card(connection, programme_id, number, made_before, at):
        return customer
    return replace(customer, id=to_wire("m", number), code=None)


def _had_card(
    connection: Connection, programme_id: int, number: int, made_before: datetime, at: datetime
) -> bool:
    """Whether a card that the member had when a code was made lived at that time.

    Of an erased member nobody knows any more, and the name finds nobody.
    """
    member = members.survivors(connection, programme_id, [number]).get(number)
    if member is None:
        return True
    return any(
        one.issued_at < made_before and (one.ended_at is None or at < one.ended_at)
        for one in store.cards_of(connection, [member])
    )


def _mark(secret: bytes, programme_id: int, wire: str, ends: int) -> str:
    said = f"card:{programme_id}:{wire}:{ends}".encode()
    return base64.b32encode(hmac.new(secret, said, hashlib.sha256).digest()[:_MARK]).decode()
