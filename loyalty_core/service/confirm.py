"""Confirmation codes: six digits that prove who has the phone or the mailbox (X5).

A code is derived from the confirmation's id under a secret key of the hub, so it stands in no
row: whoever reads the database cannot spend.  One person's codes are counted, by member and by
address, and those of a shop, so guessing one member's takes years and nobody is flooded.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from loyalty_core.domain.errors import (
    CodeOver,
    CodeWrong,
    ConfirmationNotFound,
    InvalidInput,
    MemberNotFound,
    NoAddress,
    NotAvailable,
    ProgrammeNotFound,
    TooManyCodes,
)
from loyalty_core.domain.members import IdentityKey, hashed
from loyalty_core.service.identify import names_of
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source, check_shop, shop_for
from loyalty_core.store import confirmations as store
from loyalty_core.store import members, outbox, programmes
from loyalty_core.store.confirmations import Confirmation
from loyalty_core.store.database import lock_keys
from loyalty_core.store.ids import from_wire, new_id, to_wire
from loyalty_core.store.outbox import Notice
from loyalty_kit.events import Customer

Purpose = Literal["spend", "join"]
LIVES = timedelta(minutes=3)
ATTEMPTS = 5
AGAIN_AFTER = timedelta(seconds=60)
WINDOW = timedelta(hours=1)
MOST_A_PERSON = 5
"""Codes in a window for one member, and for one address."""
MOST_A_SHOP = 600
CHANNEL_OF = {"phone": "sms", "email": "email"}
"""By which channel an address of this kind is reached, the first one first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`cart` is needed to spend.  To join, the code goes to the address that `customer` names."""

    customer: Customer
    purpose: Purpose
    cart: str | None = None
    shop: str | None = None
    locale: str = "ru"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller is told: never the address, which the buyer knows."""

    id: str
    channel: str
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class Checked:
    id: str
    purpose: str
    member: str | None


def code_of(secret: bytes, confirmation_id: int) -> str:
    """The six digits."""
    mark = hmac.new(secret, f"code:{confirmation_id}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(mark[:8]) % 10**6:06}"


def ask_code(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    source: Source,
    wanted: Wanted,
    *,
    channels: Collection[str],
    secret: bytes,
    now: datetime,
) -> Asked:
    """Have a code sent by one of `channels`, those that the programme has a connection for.

    An older code for the same is over.

    Raises: NotAvailable, InvalidInput (no cart), MemberNotFound, NoAddress, TooManyCodes,
    UnknownShop, ShopForbidden, PhoneImpossible.
    """
    shop = shop_for(connection, source, wanted.shop)
    if not channels:
        raise NotAvailable({"feature": "confirmations"})
    if wanted.purpose == "spend" and not wanted.cart:
        raise InvalidInput({"cart": ["Required."]})
    member, address = _whom(connection, plans, source, wanted, channels)
    address_hash = hashed(secret, source.programme_id, address)
    _count(connection, member, shop.id, address_hash, now)
    number = new_id(now)
    expires_at = now + LIVES
    channel = CHANNEL_OF[address.kind]
    store.add(
        connection,
        Confirmation(
            number,
            source.programme_id,
            shop.id,
            member,
            wanted.purpose,
            wanted.cart if wanted.purpose == "spend" else None,
            channel,
            address_hash,
            0,
            now,
            expires_at,
            None,
        ),
    )
    wire_id = to_wire("cf", number)
    payload = {
        "confirmation": wire_id,
        "channel": channel,
        # A member's address is looked up when the message goes out.
        "to": address.value if member is None else None,
        "locale": wanted.locale,
        "expires_at": expires_at.isoformat(),
    }
    notice = Notice(
        source.programme_id,
        outbox.MESSAGE,
        f"code:{wire_id}",
        payload,
        member_id=member,
        urgent=True,
    )
    outbox.announce(connection, [notice], now=now)
    return Asked(wire_id, channel, int(AGAIN_AFTER.total_seconds()))


def check_code(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    source: Source,
    confirmation_id: str,
    code: str,
    *,
    secrets: Iterable[bytes],
    now: datetime,
) -> Checked:
    """Whether the code is right.  A code to join is used up by it; a code to spend by its hold.

    Raises: ConfirmationNotFound, ShopForbidden, CodeWrong, CodeOver.
    """
    number = from_wire("cf", confirmation_id)
    found = None if number is None else store.lock(connection, number)
    if found is None or found.programme_id != source.programme_id:
        raise ConfirmationNotFound
    check_shop(connection, source, found.shop_id)
    _try(connection, found, code, secrets, now)
    if found.purpose == "join":
        store.use(connection, found.id, now=now)
    member = None if found.member_id is None else to_wire("m", found.member_id)
    return Checked(confirmation_id, found.purpose, member)


def spend_code(  # noqa: PLR0913 - a code is bound to each of these
    connection: Connection,
    *,
    shop_id: int,
    member_id: int | None,
    cart: str | None,
    code: str,
    secrets: Iterable[bytes],
    now: datetime,
) -> None:
    """Use the code that was sent to this member for this cart.

    The member's row is locked by the caller.

    Raises: CodeWrong, CodeOver.
    """
    if member_id is None or cart is None:
        raise CodeOver
    number = store.newest(
        connection, shop_id=shop_id, member_id=member_id, purpose="spend", cart=cart
    )
    found = None if number is None else store.lock(connection, number)
    if found is None:
        raise CodeOver
    _try(connection, found, code, secrets, now)
    store.use(connection, found.id, now=now)


def forget_codes(connection: Connection, *, now: datetime, limit: int = 200) -> int:
    """Delete confirmations that no counter looks at any more; one batch, and how many."""
    return store.forget_old(connection, made_before=now - 24 * WINDOW, limit=limit)


def address_of(
    connection: Connection, programme_id: int, member_id: int, channel: str
) -> str | None:
    """Where a member is reached now; None for who is erased or has no such address."""
    found = members.survivors(connection, programme_id, [member_id]).get(member_id)
    if found is None:
        return None
    own = _addresses(connection, found)
    kind = next(kind for kind, by in CHANNEL_OF.items() if by == channel)
    return own[kind].value if kind in own else None


def _whom(
    connection: Connection,
    plans: PlanCache,
    source: Source,
    wanted: Wanted,
    channels: Collection[str],
) -> tuple[int | None, IdentityKey]:
    programme = programmes.programme_by_id(connection, source.programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = plans.get(connection, programme.id, programme.rules_version)
    customer = wanted.customer
    names = names_of(customer, source.name, plan.rules.policies.phone_region)
    if wanted.purpose == "join":
        member = None
        own = {name.kind: name for name in names}
    else:
        member = _member(connection, source.programme_id, customer, names)
        own = _addresses(connection, member)
    for kind, channel in CHANNEL_OF.items():
        if kind in own and channel in channels:
            return member, own[kind]
    raise NoAddress


def _member(
    connection: Connection, programme_id: int, customer: Customer, names: tuple[IdentityKey, ...]
) -> int:
    number = from_wire("m", customer.id) if customer.id else None
    if number is None:
        owners = members.owners(connection, programme_id, names)
        number = next((owners[name] for name in names if name in owners), None)
    if number is None:
        raise MemberNotFound
    # Locked, so that a merge or an erasure does not pass between this and the counters.
    member = members.lock_survivors(connection, programme_id, [number]).get(number)
    if member is None:
        raise MemberNotFound
    return member


def _addresses(connection: Connection, member_id: int) -> dict[str, IdentityKey]:
    """By kind; of several phones the first that was proved, else the first."""
    own: dict[str, IdentityKey] = {}
    proved: set[str] = set()
    for key, verified in members.names_of(connection, [member_id]).get(member_id, []):
        if key.kind in CHANNEL_OF and (
            key.kind not in own or (verified and key.kind not in proved)
        ):
            own[key.kind] = key
            proved |= {key.kind} if verified else set()
    return own


def _count(
    connection: Connection, member: int | None, shop_id: int, address_hash: str, now: datetime
) -> None:
    """Raises: TooManyCodes."""
    asked: dict[str, int | str] = {"address_hash": address_hash, "shop_id": shop_id}
    if member is not None:
        asked["member_id"] = member
    lock_keys(connection, (f"codes:{column}:{value}" for column, value in asked.items()))
    for column, value in asked.items():
        most = MOST_A_SHOP if column == "shop_id" else MOST_A_PERSON
        times = store.asked_since(connection, column, value, now - WINDOW, most)
        free_at = now
        if len(times) == most:
            free_at = times[-1] + WINDOW
        if times and column != "shop_id":
            free_at = max(free_at, times[0] + AGAIN_AFTER)
        if free_at > now:
            raise TooManyCodes(max(1, round((free_at - now).total_seconds())))


def _try(
    connection: Connection, found: Confirmation, code: str, secrets: Iterable[bytes], now: datetime
) -> None:
    """One attempt.  Raises: CodeWrong, CodeOver."""
    over = found.used_at is not None or found.attempts >= ATTEMPTS or now >= found.expires_at
    if over or _is_replaced(connection, found):
        raise CodeOver
    store.note_attempt(connection, found.id)
    told = code.strip().encode("utf-8", "replace")
    if not any(hmac.compare_digest(code_of(one, found.id).encode(), told) for one in secrets):
        raise CodeWrong({"attempts_left": str(ATTEMPTS - found.attempts - 1)})


def _is_replaced(connection: Connection, found: Confirmation) -> bool:
    if found.purpose == "join":
        return False
    newest = store.newest(
        connection,
        shop_id=found.shop_id,
        member_id=found.member_id,
        purpose=found.purpose,
        cart=found.cart,
    )
    return newest != found.id
