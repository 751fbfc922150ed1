"""What a condition may look at: the lines, the buyer, the place and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from loyalty_core.domain.pricing.coupons import NO_COUPONS, Entered
from loyalty_core.domain.pricing.rule_type import View
from loyalty_kit.frozen import frozen


@frozen
class History:
    """What a member bought before the basket or receipt at hand.

    `spent_minor` in kopecks paid for goods, net of refunds; `purchases` are those of which any
    of that is left.
    """

    purchases: int = 0
    spent_minor: int = 0
    last_purchase_at: datetime | None = None


@frozen
class Person:
    """What is known of a member beside points and tier."""

    id: int
    joined_at: datetime
    gender: str | None = None
    city: str | None = None
    born: date | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)


@frozen
class Place:
    """Where and how somebody buys.  `channel` as proved by whoever asks, None: not proved;
    `coupons` are folded; `zone` is the shop's."""

    shop: str | None = None
    channel: str | None = None
    payment: str | None = None
    coupons: frozenset[str] = frozenset()
    zone: tzinfo = UTC


class Scene:
    """One basket or receipt with all that conditions ask of it.

    `view` moves while discounts are taken.  `known` says whether there is a member; `person`
    may be None even so, where no condition in force asks for more than the tier.
    """

    __slots__ = (
        "_local",
        "calendars",
        "coupons",
        "known",
        "now",
        "person",
        "place",
        "tier",
        "verified",
        "view",
    )

    def __init__(  # noqa: PLR0913 - each is a thing of its own to look at
        self,
        view: View,
        now: datetime,
        place: Place,
        *,
        known: bool = False,
        verified: bool = False,
        tier: str | None = None,
        person: Person | None = None,
        calendars: Mapping[date, frozenset[str]],
        coupons: Entered = NO_COUPONS,
    ) -> None:
        self.view = view
        self.now = now
        self.place = place
        self.known = known
        self.verified = verified
        self.tier = tier
        self.person = person
        self.calendars = calendars
        self.coupons = coupons
        self._local: datetime | None = None

    @property
    def local(self) -> datetime:
        """The wall clock of the shop."""
        if self._local is None:
            self._local = self.now.astimezone(self.place.zone)
        return self._local

    def days_since(self, moment: datetime) -> int:
        """Midnights of the shop since then."""
        return (self.local.date() - moment.astimezone(self.place.zone).date()).days
