"""What systems' own records say of customers: blanks of known members, and new ones.

A record names its customer by the system's own id.  What it says beside was typed by somebody,
so it attaches nothing to a member by itself (`docs/adr/0008`); the shop may vouch for the records
of its staff.  The same record again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.conditions.people import day_of
from loyalty_core.domain.errors import PhoneImpossible
from loyalty_core.domain.members import IdentityKey, card_key, external_key, hashed
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.identify import Ask, identify
from loyalty_core.service.phones import normalise_phone
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source
from loyalty_core.store import coupon_pushes, programmes
from loyalty_core.store import members as store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.installations import number_of_source
from loyalty_kit.events import Customer, ExternalId

What = Literal["enrolled", "filled", "known", "unknown"]
"""A new member; a known one of whom something was blank, or nothing; nobody whom it names."""
_NAME = ("first_name", "middle_name", "last_name")


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of a record, and of whom."""

    what: What
    member: str | None = None


class RecordLike(Protocol):
    """What a connector's record has (`loyalty_kit.ports.CustomerRecord`)."""

    @property
    def id(self) -> str: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def card(self) -> str | None: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def middle_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def vouched(self) -> bool: ...


Told = tuple[Source, RecordLike]


def learn_customers(
    connection: Connection,
    plans: PlanCache,
    told: Sequence[Told],
    *,
    keys: Sequence[bytes],
    now: datetime,
) -> list[Learnt]:
    """What came of each record of one programme, in their order.

    The member of a record is whoever has its id; of others nothing is changed.  Vouched for, free
    names become that member's, and whom none of its names means is enrolled, unconfirmed, if it
    has a phone or a card that can be one.  Names that mean another member are listed as a
    conflict.  A record of who was erased enrols nobody (`keys`: those that `erase_member` had over
    time), until the person buys or joins again.
    """
    if not told:
        return []
    programme_id = told[0][0].programme_id
    names = [external_key(source.name, record.id) for source, record in told]
    known = store.owners(connection, programme_id, names)
    wanted = [
        place
        for place, (_, record) in enumerate(told)
        if names[place] in known or (record.vouched and (record.phone or record.card))
    ]
    strange = {names[place] for place in wanted} - known.keys()
    gone = _erased(connection, programme_id, strange, keys)
    asks = _asks(connection, plans, programme_id, [told[place] for place in wanted], known, gone)
    found = dict(zip(wanted, identify(connection, asks, now=now), strict=True))
    ids = {one.member_id for one in found.values() if one.member_id is not None}
    store.settle_names(connection, ids, store.lock_survivors(connection, programme_id, ids))
    owners = store.owners(connection, programme_id, names)
    own = {place: owners[names[place]] for place in wanted if names[place] in owners}
    people = [(place, member, told[place][1]) for place, member in own.items()]
    filled = _fill(connection, programme_id, people)
    _tell_of_accounts(connection, told, own)
    learnt: list[Learnt] = []
    for place in range(len(told)):
        if place not in own:
            learnt.append(Learnt("unknown"))
            continue
        what: What = "filled" if place in filled else "known"
        what = "enrolled" if found[place].enrolled else what
        learnt.append(Learnt(what, to_wire("m", own[place])))
    return learnt


def _erased(
    connection: Connection, programme_id: int, names: Iterable[IdentityKey], keys: Sequence[bytes]
) -> set[IdentityKey]:
    """Those of these names that somebody had who was erased."""
    marks = {hashed(key, programme_id, name): name for name in names for key in keys}
    return {marks[mark] for mark in store.erased_among(connection, programme_id, marks)}


def _can_be_told(record: RecordLike, region: str) -> bool:
    """Whether a person could be told by its phone or card; staff type dashes and jokes."""
    if record.card and card_key(record.card).value:
        return True
    try:
        return bool(record.phone and normalise_phone(record.phone, region))
    except PhoneImpossible:
        return False


def _asks(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    told: Iterable[Told],
    known: Collection[IdentityKey],
    gone: Collection[IdentityKey],
) -> list[Ask]:
    """`known` are ids of members: to others a record attaches nothing."""
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    region = rules.policies.phone_region
    lowest = Ladder.of(rules, ZoneInfo(programme.timezone)).reached(0)
    return [
        Ask(
            programme_id,
            source.name,
            Customer(
                external=ExternalId(None, record.id),
                card=record.card,
                phone=record.phone,
                email=record.email,
                first_name=record.first_name,
                last_name=record.last_name,
            ),
            region,
            may_enrol=record.vouched
            and name not in known
            and name not in gone
            and _can_be_told(record, region),
            vouched=record.vouched and name in known,
            lenient=source.lenient,
            tier=lowest,
        )
        for source, record in told
        for name in (external_key(source.name, record.id),)
    ]


def _tell_of_accounts(connection: Connection, told: Sequence[Told], own: Mapping[int, int]) -> None:
    """A shop's own record may bring another e-mail of the account by which the shop knows whose a
    coupon is; `own`: members, by the places of their records."""
    by_home: dict[int, set[int]] = defaultdict(set)
    for place, member in own.items():
        source, record = told[place]
        home = number_of_source(source.name)
        if home is not None and record.email:
            by_home[home].add(member)
    for home, people in sorted(by_home.items()):
        programme_id = told[0][0].programme_id
        coupon_pushes.ask_of_members(connection, programme_id, people, home=home)


def _fill(
    connection: Connection, programme_id: int, people: Sequence[tuple[int, int, RecordLike]]
) -> set[int]:
    """Write what is blank, of (place, member, record) each; gives the places of records that
    filled something in.  Erased members stay as they are."""
    ids = {member for _, member, _ in people}
    alive = store.lock_survivors(connection, programme_id, ids).values()
    rows = store.member_rows(connection, programme_id, {one for one in alive if one is not None})
    changed: dict[int, dict[str, Any]] = {}
    filled = set()
    for place, member, record in people:
        stands = changed.get(member) or rows.get(member)
        if stands is not None and (blanks := _blanks(stands, record)):
            changed[member] = {**stands, **blanks}
            filled.add(place)
    store.set_profiles(connection, [changed[member] for member in sorted(changed)])
    return filled


def _blanks(stands: Mapping[str, Any] | RowMapping, record: RecordLike) -> dict[str, str]:
    """What the record knows of the person that stands nowhere yet.

    The parts of a name go together: they are filled in where those that are known say the same.
    """
    told = {name: getattr(record, name) for name in _NAME}
    if any(stands[name] and stands[name] != told[name] for name in _NAME):
        told = {}
    if record.birth_date is not None and day_of(record.birth_date) is not None:
        told["birth_date"] = record.birth_date
    told["gender"] = record.gender
    return {name: value for name, value in told.items() if value and not stands[name]}
