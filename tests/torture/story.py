"""What happens in the shop: a seeded stream of things to send, and the facts that they tell.

Savers only earn and bring back, so even their lots end the same in whatever order things come.
Spenders also pay with points, hold, are given points, and have purchases revised; their figures
end the same in any order under `allow`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from loyalty_kit.money import format_decimal

SAVERS, SPENDERS = 24, 16
HOLD_S = 1200


@dataclass
class Person:
    """Whom the facts are about; `facts` in the order in which the shop made them."""

    phone: str
    saver: bool
    member: str = ""


@dataclass
class Sale:
    """One purchase: what its last revision says, and its refunds.

    `told` False: it depends on an answer that has not come, and may never be told.
    """

    person: Person
    wire: dict[str, Any]
    by_hook: bool
    refunds: list[dict[str, Any]] = field(default_factory=list)
    told: bool = True


@dataclass(frozen=True)
class Event:
    """A purchase or a refund, to be told by the till's webhook (with a number) or by the API."""

    wire: Mapping[str, Any]
    number: str | None
    key: str | None = None


@dataclass(frozen=True)
class Quote:
    person: Person
    amount: int


@dataclass(frozen=True)
class Checkout:
    """A hold that is then bought, let go or left; `sale` is told only where the hold was placed."""

    person: Person
    cart: str
    spend: int
    then: str
    sale: Sale


@dataclass
class Gift:
    """Points given or taken by hand; `moved` says what was answered."""

    person: Person
    points: int
    key: str
    moved: bool = False


Deed = Event | Quote | Checkout | Gift


@dataclass
class Story:
    """All of it.  `deeds` in the order of sending."""

    people: list[Person]
    sales: list[Sale]
    gifts: list[Gift]
    deeds: list[Deed]


def tell_story(seed: int, length: int, now: datetime) -> Story:
    """So many things to send, the same for the same seed and time."""
    return _Teller(random.Random(seed), now).tell(length)


class _Teller:
    def __init__(self, chance: random.Random, now: datetime) -> None:
        self._chance = chance
        self._at = now - timedelta(days=20)
        self._placed: list[tuple[float, int, Deed]] = []
        self._place = 0.0
        self._sales: list[Sale] = []
        self._gifts: list[Gift] = []
        self._numbers = 0
        phones = [f"+7916555{number:04}" for number in range(SAVERS + SPENDERS)]
        self._people = [Person(phone, number < SAVERS) for number, phone in enumerate(phones)]

    def tell(self, length: int) -> Story:
        kinds = {self._sells: 68, self._quotes: 6, self._checks_out: 14, self._gives: 10}
        while len(self._placed) < length:
            self._place += 1
            self._at += timedelta(seconds=self._chance.randint(1, 40))
            act = self._chance.choices(list(kinds), list(kinds.values()))[0]
            act(self._chance.choice(self._people))
        deeds = [deed for _, _, deed in sorted(self._placed, key=lambda one: one[:2])]
        return Story(self._people, self._sales, self._gifts, deeds)

    # --- deeds ------------------------------------------------------------------------------

    def _sells(self, person: Person) -> None:
        spend = 0 if person.saver else self._chance.choice([0, 0, 500, 3000])
        sale = self._sale(person, spend, by_hook=self._chance.random() < 0.75)
        self._tell(sale.wire, sale.by_hook)
        if not person.saver and self._chance.random() < 0.15:
            self._revises(sale)
        elif self._chance.random() < 0.35:
            self._brings_back(sale)

    def _revises(self, sale: Sale) -> None:
        """Other lines, or cancelled altogether; what came first may come last."""
        fresh = dict(sale.wire, revision=2)
        if self._chance.random() < 0.3:
            fresh["status"] = "cancelled"
        else:
            fresh["lines"] = self._lines(0)
        sale.wire = fresh
        self._tell(fresh, sale.by_hook, later=self._chance.randint(-3, 150))

    def _brings_back(self, sale: Sale) -> None:
        """One or two pieces of lines, soon, late, or before the purchase itself is known."""
        for number, line in enumerate(sale.wire["lines"][: self._chance.randint(1, 2)]):
            pieces = int(line["quantity"])
            paid = round(float(line["paid"]) * 100)
            part = self._chance.randint(1, pieces)
            back = paid * part // pieces
            refund = {
                "type": "refund",
                "external_id": f"{sale.wire['external_id']}-R{number}",
                "purchase": sale.wire["external_id"],
                "occurred_at": (self._at + timedelta(minutes=5)).isoformat(),
                "amount": format_decimal(back),
                "lines": [
                    {"id": line["id"], "quantity": str(part), "paid_back": format_decimal(back)}
                ],
            }
            sale.refunds.append(refund)
            early = self._chance.random() < 0.2
            later = -self._chance.randint(2, 40) if early else self._chance.randint(1, 600)
            self._tell(refund, sale.by_hook, later=later)

    def _quotes(self, person: Person) -> None:
        self._put(Quote(person, self._chance.randint(10_00, 900_00)))

    def _checks_out(self, person: Person) -> None:
        if person.saver:
            self._quotes(person)
            return
        spend = self._chance.randint(1_00, 20_00)
        sale = self._sale(person, spend, by_hook=self._chance.random() < 0.5)
        cart = f"cart-{self._numbers}"
        sale.wire["cart"] = cart
        sale.told = False
        then = self._chance.choice(["buy", "buy", "buy", "drop", "leave"])
        self._put(Checkout(person, cart, spend, then, sale))

    def _gives(self, person: Person) -> None:
        if person.saver:
            self._sells(person)
            return
        self._numbers += 1
        points = self._chance.choice([50_00, 7_31, -40_00, -1_00])
        gift = Gift(person, points, f"gift-{self._numbers}")
        self._gifts.append(gift)
        self._put(gift)
        if self._chance.random() < 0.3:
            self._put(gift, self._chance.randint(0, 80))

    # --- inside -----------------------------------------------------------------------------

    def _sale(self, person: Person, spend: int, *, by_hook: bool) -> Sale:
        self._numbers += 1
        wire = {
            "type": "purchase",
            "external_id": f"P{self._numbers}",
            "occurred_at": self._at.isoformat(),
            "customer": {"phone": person.phone, "verified": True},
            "lines": self._lines(spend),
        }
        sale = Sale(person, wire, by_hook)
        self._sales.append(sale)
        return sale

    def _lines(self, spend: int) -> list[dict[str, Any]]:
        """One to three lines; the first takes all of the spend."""
        made = []
        for number in range(1, self._chance.randint(1, 3) + 1):
            pieces = self._chance.randint(1, 3)
            amount = pieces * self._chance.randint(40_00, 700_00)
            part = spend if number == 1 else 0
            made.append(
                {
                    "id": str(number),
                    "sku": f"SKU-{number}",
                    "quantity": str(pieces),
                    "amount": format_decimal(amount),
                    "spend": format_decimal(part),
                    "paid": format_decimal(amount - part),
                }
            )
        return made

    def _tell(self, wire: Mapping[str, Any], by_hook: bool, *, later: int = 0) -> None:
        """Once, or as the same delivery again, or as another delivery of the same event."""
        self._numbers += 1
        number = f"D{self._numbers}" if by_hook else None
        key = f"K{self._numbers}" if not by_hook and self._chance.random() < 0.5 else None
        event = Event(dict(wire), number, key)
        self._put(event, later)
        if self._chance.random() < 0.12:
            self._put(event, later + self._chance.randint(0, 300))
        if by_hook and self._chance.random() < 0.05:
            self._put(Event(event.wire, f"{number}-again"), later + self._chance.randint(0, 300))

    def _put(self, deed: Deed, later: float = 0) -> None:
        self._placed.append((self._place + later, len(self._placed), deed))
