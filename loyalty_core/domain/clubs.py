"""Clubs: closed memberships, and from what they follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loyalty_core.domain.pricing.declare import CODE, NAME, many, optional, whole, word
from loyalty_core.domain.pricing.goods import fold
from loyalty_kit.events import PurchaseLine

_WHOLE_UNIT = 1000
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Club:
    """`skus`: articles whose purchase makes a member of the buyer; none: only the shop does.
    `days`: how long that lasts; None: without end."""

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    skus: tuple[str, ...] = field(
        default=(),
        metadata=word("skus", many(NAME, most=100), en="Sold as", ru="Артикулы клубной карты"),
    )
    days: int | None = field(
        default=None,
        metadata=word(
            "days",
            optional(whole(least=1, most=36_500)),
            en="Days of membership",
            ru="Срок членства, дней",
        ),
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """Why somebody is in a club (its folded code), or is so no longer, from `at` on.

    `kind`: "purchase" (the one that `ref` numbers, for so many `days`), "shop" (until `until`)
    or "end".  None for `days` or `until`: without end.
    """

    club: str
    kind: str
    ref: int
    at: datetime
    days: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Somebody is in a club from `starts_at` until `until` (None: without end).  `source`: what
    began it, "purchase" or "shop"."""

    club: str
    starts_at: datetime
    until: datetime | None
    source: str

    def holds(self, moment: datetime) -> bool:
        return self.starts_at <= moment and (self.until is None or moment < self.until)


def spans(grants: Iterable[Grant]) -> list[Span]:
    """What the grants of one member come to, in whatever order they were told.

    A purchase while a membership runs makes it longer by its days; the shop's word sets its
    end; an end ends it.
    """
    found: dict[str, list[Span]] = {}
    for grant in sorted(grants, key=lambda one: (one.at, one.ref, one.kind)):
        own = found.setdefault(grant.club, [])
        running = own.pop() if own and own[-1].holds(grant.at) else None
        span = _after(grant, running)
        if span is not None:
            own.append(span)
    return [span for own in found.values() for span in own]


def _after(grant: Grant, running: Span | None) -> Span | None:
    """The membership that runs once a grant has come to the one that runs already."""
    starts_at = grant.at if running is None else running.starts_at
    if grant.kind == "end":
        ended = running is None or running.starts_at == grant.at
        return None if ended else Span(grant.club, starts_at, grant.at, _source(grant, running))
    until = grant.until
    if grant.kind == "purchase":
        endless = grant.days is None or (running is not None and running.until is None)
        base = grant.at if running is None or running.until is None else running.until
        until = None if endless else _later(base, grant.days or 0)
    return Span(grant.club, starts_at, until, _source(grant, running))


def _later(base: datetime, days: int) -> datetime:
    """So many days later, and no later than can be told: a thousand cards are sold at once, too."""
    return base + timedelta(days=max(0, min(days, (_LATEST - base).days)))


def _source(grant: Grant, running: Span | None) -> str:
    return grant.kind if running is None else running.source


@dataclass(frozen=True, slots=True)
class ClubView:
    """A membership that runs, with the club's name in the rules in force."""

    code: str
    name: str
    span: Span


def running(clubs: Sequence[Club], found: Sequence[Span], now: datetime) -> list[ClubView]:
    """Of a member's memberships those that run, of these clubs."""
    return [
        ClubView(club.code, club.name, span)
        for club in clubs
        for span in found
        if span.club == fold(club.code) and span.holds(now)
    ]


def bought(
    clubs: Iterable[Club],
    lines: Iterable[PurchaseLine],
    returned_milli: Mapping[str, int],
    purchase_id: int,
    at: datetime,
) -> list[Grant]:
    """The memberships that a purchase gives: for each whole unit kept, the club's days."""
    units: dict[str, int] = {}
    for line in lines:
        if line.sku:
            kept = (line.quantity_milli - returned_milli.get(line.id, 0)) // _WHOLE_UNIT
            units[fold(line.sku)] = units.get(fold(line.sku), 0) + max(0, kept)
    found = []
    for club in clubs:
        count = sum(units.get(sku, 0) for sku in {fold(name) for name in club.skus})
        if count:
            days = None if club.days is None else club.days * count
            found.append(Grant(fold(club.code), "purchase", purchase_id, at, days))
    return found
