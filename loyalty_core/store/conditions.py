"""The part of a condition that is about members, as SQL over millions of them.

Says the same of each row of `members` as the closures of `domain.conditions.meet` do; a test
holds the two together.  Nothing here is ever NULL: of what is not known no leaf is true.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty_core.domain.conditions.fields import CLUB, REWARD, SEGMENT
from loyalty_core.domain.conditions.meet import test_of
from loyalty_core.domain.conditions.people import (
    BUCKETS,
    PRIME,
    bucket_key,
    days_to_birthday,
    last_birthday_told,
)
from loyalty_core.domain.conditions.segments import Segments, check_about_members
from loyalty_core.domain.conditions.tree import All, Leaf, Node, Not
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.rewards import Rewards
from loyalty_core.store.tables import members, memberships
from loyalty_core.store.tiers import tier_as_of
from loyalty_core.store.types import to_micros

_LEAP_YEAR = 2024
_DAYS_OF_BIRTH = [date(_LEAP_YEAR, 1, 1) + timedelta(days=number) for number in range(366)]


@dataclass(frozen=True, slots=True)
class AskedAt:
    """Now, the zone whose days count, and the dialect's name: JSON is asked differently.

    `segments`: what each segment asks; those that a condition names are there.
    """

    now: datetime
    zone: ZoneInfo
    dialect: str
    segments: Segments = field(default_factory=dict)
    rewards: Rewards | None = None

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def midnight(self, days_ago: int) -> datetime:
        """The beginning of the day so many days ago."""
        day = self.today - timedelta(days=days_ago)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


def members_where(node: Node, asked: AskedAt, salt: str = "") -> ColumnElement[bool]:
    """The condition over rows of `members`.

    Raises: Misfit, naming each leaf that asks for what no member has by itself.
    """
    check_about_members(node)
    return _node(node, asked, salt)


def _node(node: Node, asked: AskedAt, salt: str) -> ColumnElement[bool]:
    if isinstance(node, Leaf):
        return _leaf(node, asked, salt)
    if isinstance(node, Not):
        return not_(_node(node.node, asked, salt))
    parts = [_node(one, asked, salt) for one in node.nodes]
    return and_(true(), *parts) if isinstance(node, All) else or_(false(), *parts)


def _leaf(leaf: Leaf, asked: AskedAt, salt: str) -> ColumnElement[bool]:
    value = _OF_MEMBERS[leaf.field.name](leaf, asked, salt)
    if leaf.operator == "is_known":
        return value.known
    if leaf.operator == "is_unknown":
        return not_(value.known)
    return and_(value.known, value.test(leaf))


# --- comparing ------------------------------------------------------------------------------

_COMPARE: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "is": lambda column, wanted: column == wanted,
    "is_not": lambda column, wanted: column != wanted,
    "in": lambda column, wanted: column.in_(wanted),
    "not_in": lambda column, wanted: column.not_in(wanted),
    "at_least": lambda column, wanted: column >= wanted,
    "at_most": lambda column, wanted: column <= wanted,
    "more_than": lambda column, wanted: column > wanted,
    "less_than": lambda column, wanted: column < wanted,
    "between": lambda column, wanted: column.between(*wanted),
}


@dataclass(frozen=True, slots=True)
class _Value:
    """A field of a member: whether it is known, and what a leaf asks of it where it is.

    `test` is never NULL where `known` is true, and does not fail where it is not.
    """

    known: ColumnElement[bool]
    test: Callable[[Leaf], ColumnElement[bool]]


def _compared(column: ColumnElement[Any], known: ColumnElement[bool] | None = None) -> _Value:
    known = column.is_not(None) if known is None else known
    # Rows that do not know it are left out by `known`, which SQL may look at second.
    return _Value(
        known, lambda leaf: func.coalesce(_COMPARE[leaf.operator](column, leaf.value), false())
    )


def _column(name: str) -> Callable[[Leaf, AskedAt, str], _Value]:
    return lambda _leaf, _asked, _salt: _compared(members.c[name])


# --- the fields -----------------------------------------------------------------------------


def _is_member(_leaf: Leaf, _asked: AskedAt, _salt: str) -> _Value:
    return _Value(true(), lambda leaf: literal(leaf.value) == true())


_BORN = members.c.birth_date
_DAY_OF_BIRTH = func.substr(_BORN, 6, 5)


def _age(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    """Full years: the year's difference, less one where the birthday is still to come."""
    year = cast(func.substr(_BORN, 1, 4), Integer)
    day = _DAY_OF_BIRTH
    to_come = case((day > last_birthday_told(asked.today), 1), else_=0)
    return _compared(asked.today.year - year - to_come, _BORN.is_not(None))


def _to_birthday(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    def test(leaf: Leaf) -> ColumnElement[bool]:
        """There are but 366 days of birth: those that fit are listed."""
        fits = test_of(leaf)
        days = [
            f"{day:%m-%d}"
            for day in _DAYS_OF_BIRTH
            if fits(days_to_birthday(day.month, day.day, asked.today))
        ]
        # Written out: trees of many such leaves would have more parameters than SQL may.
        listed = bindparam(None, days, String, expanding=True, literal_execute=True, unique=True)
        return func.coalesce(_DAY_OF_BIRTH.in_(listed), false())

    return _Value(_BORN.is_not(None), test)


def _days_since(name: str) -> Callable[[Leaf, AskedAt, str], _Value]:
    column = members.c[name]

    def value(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
        def test(leaf: Leaf) -> ColumnElement[bool]:
            """Days are spans between midnights, so an index may be used."""
            spans = [_span(column, asked, *span) for span in _SPANS[leaf.operator](leaf.value)]
            fits = or_(false(), *spans)
            return func.coalesce(not_(fits) if leaf.operator in _TURNED else fits, false())

        return _Value(column.is_not(None), test)

    return value


_SPANS: Mapping[str, Callable[[Any], list[tuple[int | None, int | None]]]] = {
    "is": lambda wanted: [(wanted, wanted)],
    "is_not": lambda wanted: [(wanted, wanted)],
    "in": lambda wanted: [(one, one) for one in wanted],
    "not_in": lambda wanted: [(one, one) for one in wanted],
    "at_least": lambda wanted: [(wanted, None)],
    "at_most": lambda wanted: [(None, wanted)],
    "more_than": lambda wanted: [(wanted + 1, None)],
    "less_than": lambda wanted: [(None, wanted - 1)],
    "between": lambda wanted: [wanted],
}
"""The least and the most days ago."""
_TURNED = frozenset({"is_not", "not_in"})


def _span(
    column: ColumnElement[Any], asked: AskedAt, least: int | None, most: int | None
) -> ColumnElement[bool]:
    parts = []
    if most is not None:
        parts.append(column >= asked.midnight(most))
    if least is not None:
        parts.append(column < asked.midnight(least - 1))
    return and_(*parts)


def _bucket(leaf: Leaf, _asked: AskedAt, salt: str) -> _Value:
    a, b, c = (literal(one, BigInteger) for one in bucket_key(leaf.details.salt or salt))
    prime = literal(PRIME, BigInteger)
    spread = members.c.id % prime
    return _compared(((spread * a + b) % prime * spread + c) % prime % BUCKETS, true())


def _reward(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    rewards = asked.rewards
    if rewards is None:
        return _Value(false(), lambda _: false())
    forms = [fold(form.code) for form in rewards.forms]
    chosen = case((members.c.reward.in_(forms), members.c.reward), else_=fold(rewards.default))
    return _compared(chosen, true())


def _club(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    def inside(codes: Collection[str]) -> ColumnElement[bool]:
        own = memberships.c
        return exists().where(
            own.member_id == members.c.id,
            own.club.in_(codes),
            own.starts_at <= asked.now,
            or_(own.until.is_(None), own.until > asked.now),
        )

    def test(leaf: Leaf) -> ColumnElement[bool]:
        if leaf.operator == "has_all":
            return and_(*(inside([code]) for code in leaf.value))
        found = inside(leaf.value)
        return found if leaf.operator == "has_any" else not_(found)

    return _Value(true(), test)


def _segment(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    def test(leaf: Leaf) -> ColumnElement[bool]:
        parts = [_node(asked.segments[code], asked, code) for code in leaf.value]
        if leaf.operator == "has_all":
            return and_(*parts)
        return or_(*parts) if leaf.operator == "has_any" else not_(or_(*parts))

    return _Value(true(), test)


def _attribute(leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    if asked.dialect == "sqlite":
        return _attribute_on_sqlite(leaf.details.name)
    member = type_coerce(members.c.attributes, JSONB)[leaf.details.name]
    kind, told = func.jsonb_typeof(member), member.astext
    whole = and_(kind == "number", told.regexp_match("^-?[0-9]+$"))
    known = or_(kind.in_(("string", "boolean")), whole)
    return _compared(told, func.coalesce(known, false()))


def _attribute_on_sqlite(name: str) -> _Value:
    """A path finds a name that is written as in the column: there plainly, or by the numbers of
    its letters, as in rows of before."""
    spellings = dict.fromkeys((json.dumps(name, ensure_ascii=False), json.dumps(name)))
    paths = [f"$.{spelling}" for spelling in spellings]
    kind = _first([func.json_type(members.c.attributes, path) for path in paths])
    value = _first([func.json_extract(members.c.attributes, path) for path in paths])
    told = case((kind.in_(("true", "false")), kind), else_=cast(value, Text))
    known = kind.in_(("text", "integer", "true", "false"))
    return _compared(told, func.coalesce(known, false()))


def _first(found: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    return func.coalesce(*found) if len(found) > 1 else found[0]


def _tier(_leaf: Leaf, asked: AskedAt, _salt: str) -> _Value:
    return _compared(tier_as_of(members, literal(to_micros(asked.now), BigInteger)))


_OF_MEMBERS: Mapping[str, Callable[[Leaf, AskedAt, str], _Value]] = {
    "member.known": _is_member,
    "member.tier": _tier,
    "member.gender": _column("gender"),
    "member.city": _column("city"),
    "member.age": _age,
    "member.days_to_birthday": _to_birthday,
    "member.days_since_joining": _days_since("created_at"),
    "member.bucket": _bucket,
    "member.attribute": _attribute,
    REWARD: _reward,
    CLUB: _club,
    SEGMENT: _segment,
    "history.purchases": _column("purchase_count"),
    "history.spent": _column("spent_minor"),
    "history.days_since_purchase": _days_since("last_purchase_at"),
}
MEMBER_FIELDS = frozenset(_OF_MEMBERS)
"""Names of the fields that a member has without a basket, a place or a time."""
