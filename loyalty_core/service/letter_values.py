"""What stands in a letter's placeholders, as it is when the letter goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.letters import (
    BIRTHDAY,
    CHANNELS,
    LOCALES,
    POINTS_EARNED,
    POINTS_EXPIRE,
    TIER_UP,
    TIER_WARNING,
    day_told,
    last_day,
    points_told,
)
from loyalty_core.domain.rules import RuleSet
from loyalty_core.service.members import MemberCard, get_member
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import letters as store
from loyalty_core.store import members, programmes
from loyalty_core.store.ids import to_wire
from loyalty_core.store.programmes import Programme


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a letter now: in which language, by which channels, the best one first."""

    member_id: int
    locale: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a letter tells of, as its row of the outbox has it."""

    kind: str
    facts: Mapping[str, Any]


def reader_of(connection: Connection, programme_id: int, member_id: int) -> Reader | None:
    """None where there is no such member any more."""
    number = members.survivors(connection, programme_id, [member_id]).get(member_id)
    if number is None:
        return None
    row = members.member_rows(connection, programme_id, [number])[number]
    locale = row["locale"] if row["locale"] in LOCALES else LOCALES[0]
    first = row["preferred_channel"]
    channels = sorted(CHANNELS, key=lambda channel: (channel != first, CHANNELS.index(channel)))
    return Reader(number, locale, tuple(channels))


def common_values(
    connection: Connection, plans: PlanCache, programme_id: int, reader: Reader, *, now: datetime
) -> dict[str, str]:
    """The placeholders that every kind has.  Raises: MemberNotFound."""
    card = get_member(connection, plans, programme_id, to_wire("m", reader.member_id), now=now)
    return _common(_programme(connection, programme_id), card, reader.locale)


def values_of(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    reader: Reader,
    fact: Fact,
    *,
    now: datetime,
) -> dict[str, str] | None:
    """Every placeholder of the kind; None where what it would tell is not so any more.

    Raises: MemberNotFound.
    """
    programme = _programme(connection, programme_id)
    card = get_member(connection, plans, programme_id, to_wire("m", reader.member_id), now=now)
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    own = _own(connection, reader, fact, card, _Told(rules, ZoneInfo(programme.timezone)))
    return None if own is None else {**_common(programme, card, reader.locale), **own}


def _programme(connection: Connection, programme_id: int) -> Programme:
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    return programme


def _common(programme: Programme, card: MemberCard, locale: str) -> dict[str, str]:
    return {
        "programme": programme.name,
        "first_name": card.profile["first_name"] or "",
        "name": card.name or "",
        "balance": points_told(card.balance.available, locale),
        "pending": points_told(card.balance.pending, locale),
        "tier": "" if card.tier is None else card.tier.name,
        "unsubscribe": "",
    }


@dataclass(frozen=True, slots=True)
class _Told:
    rules: RuleSet
    zone: ZoneInfo

    def tier(self, code: str | None) -> str:
        return next((tier.name for tier in self.rules.tiers if tier.code == code), "")


def _own(
    connection: Connection, reader: Reader, fact: Fact, card: MemberCard, told: _Told
) -> dict[str, str] | None:
    facts, locale = fact.facts, reader.locale
    if fact.kind == POINTS_EARNED:
        return {"points": points_told(facts["points"], locale)}
    if fact.kind == POINTS_EXPIRE:
        ends = datetime.fromisoformat(facts["expires_at"])
        left = store.ending_at(connection, reader.member_id, facts["currency"], ends)
        day = day_told(last_day(ends, told.zone), locale)
        return {"points": points_told(left, locale), "expires_on": day} if left else None
    if fact.kind == BIRTHDAY:
        return {"day": day_told(date.fromisoformat(facts["day"]), locale)}
    if fact.kind == TIER_UP:
        is_held = card.tier is not None and card.tier.code == facts["now"]
        return {"was": told.tier(facts["was"])} if is_held else None
    if fact.kind == TIER_WARNING:
        return _warning(fact, card, told, locale)
    return {}


def _warning(fact: Fact, card: MemberCard, told: _Told, locale: str) -> dict[str, str] | None:
    """A purchase may have kept the tier since."""
    falls_at = datetime.fromisoformat(fact.facts["until"])
    if card.tier is None or card.tier.until != falls_at:
        return None
    keep = (card.tier.keep or "").removesuffix(".00")
    return {
        "until": day_told(last_day(falls_at, told.zone), locale),
        "then": told.tier(fact.facts["then"]),
        "keep": keep.replace(".", ",") if locale == "ru" else keep,
    }
