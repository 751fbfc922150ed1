"""Whose receipt is it?  Finds members by what receipts say of them, and enrols new ones.

Works on a batch: one query for all names, locks only for names that nobody owns yet
(`ledger.md` 27 to 29).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import PhoneImpossible
from loyalty_core.domain.members import (
    KINDS,
    IdentityKey,
    card_key,
    email_key,
    external_key,
    phone_key,
)
from loyalty_core.service.phones import normalise_phone
from loyalty_core.store import cards, coupon_pushes, outbox
from loyalty_core.store import members as store
from loyalty_core.store.database import lock_keys
from loyalty_core.store.ids import from_wire, new_id, to_wire
from loyalty_core.store.outbox import Notice
from loyalty_kit.events import Customer
from loyalty_kit.frozen import frozen

PHONE_IMPOSSIBLE = "phone_impossible"
_ENROLLING = frozenset({"external", "phone", "email"})
BINDING = frozenset({"external", "email"})
"""Kinds of names by which a shop tells whose a coupon is (`shop_coupons`)."""


@frozen
class Ask:
    """One receipt's customer.  `vouched`: the shop or the cashier answers for who it is;
    `tier`: what whoever is enrolled begins with."""

    programme_id: int
    source: str
    customer: Customer
    region: str
    may_enrol: bool
    vouched: bool
    lenient: bool = False
    tier: str | None = None


@frozen
class Found:
    """`member_id` None: nobody known, and nobody enrolled."""

    member_id: int | None
    enrolled: bool = False
    flags: tuple[str, ...] = ()


@frozen
class _Named:
    ask: Ask
    direct_id: int | None
    keys: tuple[IdentityKey, ...]
    flags: tuple[str, ...]


def identify(connection: Connection, asks: Sequence[Ask], *, now: datetime) -> list[Found]:
    """The member behind each customer, in the order given.

    Raises: PhoneImpossible, from sources that are not lenient.
    """
    named = [_name(ask) for ask in asks]
    found: list[Found] = [Found(None)] * len(asks)
    for programme_id in sorted({ask.programme_id for ask in asks}):
        own = [index for index, ask in enumerate(asks) if ask.programme_id == programme_id]
        register = _Register(connection, programme_id, now)
        register.look_up([named[index] for index in own])
        for index in own:
            found[index] = register.find(named[index])
        register.write()
    return found


def names_of(customer: Customer, source: str, region: str) -> tuple[IdentityKey, ...]:
    """The customer's names in the order in which they count.  Raises: PhoneImpossible."""
    keys: dict[str, IdentityKey] = {}
    if customer.external is not None:
        system = customer.external.system or source
        keys["external"] = external_key(system, customer.external.id)
    if customer.card and (card := card_key(customer.card)).value:
        keys["card"] = card  # tills write a dash where there is none
    if customer.phone:
        keys["phone"] = phone_key(normalise_phone(customer.phone, region))
    if customer.email:
        keys["email"] = email_key(customer.email)
    return tuple(keys[kind] for kind in KINDS if kind in keys)


def _name(ask: Ask) -> _Named:
    customer = ask.customer
    direct_id = from_wire("m", customer.id) if customer.id else None
    try:
        return _Named(ask, direct_id, names_of(customer, ask.source, ask.region), ())
    except PhoneImpossible:
        if not ask.lenient:
            raise
    without = Customer(external=customer.external, card=customer.card, email=customer.email)
    keys = names_of(without, ask.source, ask.region)
    return _Named(ask, direct_id, keys, (PHONE_IMPOSSIBLE,))


class _Register:
    """Who is who in one programme while a batch is worked off."""

    def __init__(self, connection: Connection, programme_id: int, now: datetime) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self._now = now
        self._owner: dict[IdentityKey, int] = {}
        self._direct: dict[int, int | None] = {}
        self._dead: set[IdentityKey] = set()
        self._members: list[dict[str, Any]] = []
        self._names: list[dict[str, Any]] = []
        self._conflicts: dict[tuple[int, int, str], dict[str, Any]] = {}

    def look_up(self, named: Iterable[_Named]) -> None:
        named = list(named)
        keys = {key for one in named for key in one.keys}
        direct = {one.direct_id for one in named if one.direct_id is not None}
        if direct:
            self._direct = store.survivors(self._connection, self._programme_id, direct)
        self._owner = store.owners(self._connection, self._programme_id, keys)
        if unknown := keys - set(self._owner):
            lock_keys(self._connection, (_lock_name(self._programme_id, key) for key in unknown))
            self._owner |= store.owners(self._connection, self._programme_id, unknown)
            self._dead = dead_cards(self._connection, self._programme_id, unknown)

    def find(self, named: _Named) -> Found:
        member = self._direct.get(named.direct_id) if named.direct_id is not None else None
        for key in named.keys:
            member = member or self._owner.get(key)
        if member is None:
            return self._enrol(named)
        for key in named.keys:
            owner = self._owner.get(key)
            if owner is None and key not in self._dead and _may_attach(key, named.ask):
                self._attach(key, member, named)
            elif owner is not None and owner != member:
                self._note_conflict(member, owner, key.kind, named)
        return Found(member, flags=named.flags)

    def write(self) -> None:
        store.add_members(self._connection, self._members)
        store.add_names(self._connection, self._names)
        new = {row["id"] for row in self._members}
        known = [name for name in self._names if name["member_id"] not in new]
        tell_shops(self._connection, known, now=self._now)
        store.note_conflicts(self._connection, list(self._conflicts.values()))

    def _enrol(self, named: _Named) -> Found:
        enrolling = any(key.kind in _ENROLLING for key in named.keys)
        if not named.ask.may_enrol or not enrolling:
            return Found(None, flags=named.flags)
        customer = named.ask.customer
        row = new_member_row(self._programme_id, self._now, source=named.ask.source)
        row |= {"first_name": customer.first_name, "last_name": customer.last_name}
        row["tier"] = named.ask.tier
        self._members.append(row)
        for key in named.keys:
            if key not in self._dead:
                self._attach(key, row["id"], named)
        return Found(row["id"], enrolled=True, flags=named.flags)

    def _attach(self, key: IdentityKey, member: int, named: _Named) -> None:
        self._owner[key] = member
        self._names.append(
            name_row(
                self._programme_id, key, member, verified=_proves(key, named.ask), now=self._now
            )
        )

    def _note_conflict(self, member: int, other: int, kind: str, named: _Named) -> None:
        self._conflicts[(member, other, kind)] = {
            "programme_id": self._programme_id,
            "member_id": member,
            "other_member_id": other,
            "kind": kind,
            "source": named.ask.source,
            "seen_at": self._now,
        }


def _may_attach(key: IdentityKey, ask: Ask) -> bool:
    """Whether a free name becomes the member's.

    A shop's login proves the shop's own account, not the phone typed into it: a connector
    may not hang an account on the member whose phone somebody typed, for whoever is logged
    in to that account could then spend the member's points.
    """
    return ask.vouched and not (ask.lenient and key.kind == "external")


def _proves(key: IdentityKey, ask: Ask) -> bool:
    """A connector's shop proves the account that was logged in, and nothing typed into it."""
    return ask.vouched and not (ask.lenient and key.kind != "external")


def new_member_row(
    programme_id: int, now: datetime, *, source: str, state: str = "unconfirmed"
) -> dict[str, Any]:
    """A member of whom nothing is known yet, and who has consented to nothing."""
    return {
        "id": new_id(now),
        "programme_id": programme_id,
        "state": state,
        "merged_into": None,
        "first_name": None,
        "last_name": None,
        "middle_name": None,
        "birth_date": None,
        "gender": None,
        "city": None,
        "attributes": {},
        "consents": {},
        "referrer": None,
        "source": source,
        "spent_minor": 0,
        "tier": None,
        "created_at": now,
    }


def name_row(
    programme_id: int, key: IdentityKey, member: int, *, verified: bool, now: datetime
) -> dict[str, Any]:
    return {
        "programme_id": programme_id,
        "kind": key.kind,
        "system": key.system,
        "value": key.value,
        "member_id": member,
        "verified": verified,
        "created_at": now,
    }


def tell_shops(
    connection: Connection, names: Iterable[Mapping[str, Any]], *, now: datetime
) -> None:
    """Of rows of names that members of one programme have got: a shop that knows one now is told
    their balance, and shops that make their coupons are told who may use them now.

    Members who are new need it not: a balance is told with the first movement, and they have no
    coupons.
    """
    names = list(names)
    keys = {
        f"{to_wire('m', row['member_id'])}:named:{row['system']}:{now.isoformat()}": row
        for row in names
        if row["kind"] == "external"
    }
    notices = [
        Notice(
            row["programme_id"],
            outbox.BALANCE_CHANGED,
            key,
            {"member": to_wire("m", row["member_id"])},
        )
        for key, row in keys.items()
    ]
    outbox.announce(connection, notices, now=now)
    bound = {row["member_id"] for row in names if row["kind"] in BINDING}
    if bound:
        coupon_pushes.ask_of_members(connection, names[0]["programme_id"], bound)


def dead_cards(
    connection: Connection, programme_id: int, keys: Iterable[IdentityKey]
) -> set[IdentityKey]:
    """Of names that nobody owns, numbers of cards that were taken away: nobody gets them."""
    by_number = {key.value: key for key in keys if key.kind == "card"}
    return {by_number[one] for one in cards.issued(connection, programme_id, by_number.keys())}


def lock_names(connection: Connection, programme_id: int, keys: Iterable[IdentityKey]) -> None:
    """Hold names until the transaction ends, so that nobody else gives them away."""
    lock_keys(connection, (_lock_name(programme_id, key) for key in keys))


def _lock_name(programme_id: int, key: IdentityKey) -> str:
    return f"name:{programme_id}:{key.kind}:{key.system}:{key.value}"
