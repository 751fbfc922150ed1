"""What a condition may look at: the lines, the buyer, the place and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from loyalty_core.domain.pricing.coupons import NO_COUPONS, Entered
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.rule_type import View
from loyalty_core.domain.rewards import Rewards
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
class PersonalGoods:
    """Goods in a list (its folded code) of one member's own.  `kind`: "sku" or "category";
    `key` is the folded `name`; until `until`, or for ever."""

    list: str
    kind: str
    key: str
    name: str
    until: datetime | None = None

    def lasts(self, moment: datetime) -> bool:
        return self.until is None or moment < self.until


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
    reward: str | None = None
    """What the member chose (folded); None: the programme's default."""
    goods: tuple[PersonalGoods, ...] = ()
    """The member's own, of the lists that rules in force look at."""
    clubs: frozenset[str] = frozenset()
    """Folded codes of those that the member is in, where rules in force look at any."""


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
    may be None even so, where no condition in force asks for more than the tier.  `segments`:
    what each segment asks, by its code; None: met.
    """

    __slots__ = (
        "_local",
        "_segments",
        "calendars",
        "coupons",
        "known",
        "now",
        "person",
        "place",
        "rewards",
        "segments",
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
        segments: Mapping[str, Callable[[Scene], object]] | None = None,
        rewards: Rewards | None = None,
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
        self.segments = segments or {}
        self.rewards = rewards
        self._local: datetime | None = None
        self._segments: frozenset[str] | None = None

    @property
    def local(self) -> datetime:
        """The wall clock of the shop."""
        if self._local is None:
            self._local = self.now.astimezone(self.place.zone)
        return self._local

    def in_segments(self) -> frozenset[str] | None:
        """Codes of the segments that the member is in; None where nobody is known."""
        if not self.known:
            return None
        if self._segments is None:
            self._segments = frozenset(
                code for code, meet in self.segments.items() if meet(self) is None
            )
        return self._segments

    def reward(self) -> str | None:
        """Folded code of the form of reward; of an unknown buyer that of who has not chosen."""
        if self.rewards is None:
            return None
        return fold(self.rewards.form(None if self.person is None else self.person.reward).code)

    def days_since(self, moment: datetime) -> int:
        """Midnights of the shop since then."""
        return (self.local.date() - moment.astimezone(self.place.zone).date()).days
