"""Six weeks of a shop's life, the same every time: who came when, bought what, brought what back.

Times count back from the day on which the demo was made, so a demo that was cut off goes on
with the very same events.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.demo import shop
from hub.demo.people import MEMBERS, PASSERS_BY, Person
from hub.demo.shop import ITEMS, Item

DAYS = 42
VISITS_A_DAY = (4, 4, 4, 4, 5, 6, 5)
"""By day of the week, Monday first."""
_SEED = 1_861


@dataclass(frozen=True, slots=True)
class Bought:
    item: Item
    quantity_milli: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One purchase.  `person` None: anonymous.  `wants_to_spend`: all the points that it may."""

    number: int
    at: datetime
    shop: str
    person: Person | None
    basket: tuple[Bought, ...]
    wants_to_spend: bool

    @property
    def external_id(self) -> str:
        return f"demo-{self.number:04d}"

    @property
    def order(self) -> str:
        return f"{'W' if self.online else 'R'}-{1000 + self.number}"

    @property
    def online(self) -> bool:
        return self.shop == shop.ONLINE_SHOP


@dataclass(frozen=True, slots=True)
class Return:
    """Goods of an earlier visit come back: all of them, or its first line."""

    visit: Visit
    at: datetime
    whole: bool

    @property
    def external_id(self) -> str:
        return f"{self.visit.external_id}-back"


Happening = Visit | Return


def history(until: datetime) -> list[Happening]:
    """What happened in the weeks before `until`, in the order of its times."""
    chance = random.Random(_SEED)  # nosec B311 # noqa: S311 - a story, not a secret
    local = until.astimezone(ZoneInfo(shop.TIMEZONE))
    visits = _visits(chance, local)
    returns = [
        Return(
            visit, visit.at + timedelta(days=chance.randint(1, 4), hours=1), chance.random() < 0.4
        )
        for visit in visits
        if chance.random() < 0.06
    ]
    happenings: list[Happening] = [*visits, *(back for back in returns if back.at < until)]
    return sorted(happenings, key=lambda each: (each.at, each.external_id))


def _visits(chance: random.Random, until: datetime) -> list[Visit]:
    first_day = (until - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    times = [
        first_day + timedelta(days=day, minutes=chance.randint(9 * 60, 21 * 60))
        for day in range(DAYS + 1)
        for _ in range(VISITS_A_DAY[(first_day + timedelta(days=day)).weekday()])
    ]
    return [
        _visit(chance, number, at)
        for number, at in enumerate(sorted(at for at in times if at < until), start=1)
    ]


def _visit(chance: random.Random, number: int, at: datetime) -> Visit:
    person = _somebody(chance)
    shops = ["main"] * 6 + [shop.MARKET_SHOP] * 2 + [shop.ONLINE_SHOP] * 2
    return Visit(
        number=number,
        at=at,
        shop=chance.choice(shops),
        person=person,
        basket=tuple(_bought(chance, item) for item in chance.sample(ITEMS, _lines(chance))),
        wants_to_spend=chance.random() < 0.25,
    )


def _somebody(chance: random.Random) -> Person | None:
    """One in six is anonymous; some members come much more often than others."""
    if chance.random() < 1 / 6:
        return None
    if chance.random() < 0.04:
        return chance.choice(PASSERS_BY)
    regulars: Sequence[Person] = MEMBERS[:9]
    return chance.choice(regulars if chance.random() < 0.5 else MEMBERS)


def _lines(chance: random.Random) -> int:
    return chance.choice([1, 2, 2, 3, 3, 4, 5])


def _bought(chance: random.Random, item: Item) -> Bought:
    if item.weighed:
        return Bought(item, 10 * chance.randint(15, 80))
    return Bought(item, 1000 * chance.choice([1, 1, 1, 2]))
