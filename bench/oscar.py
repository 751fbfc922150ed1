"""Side by side with django-oscar: our quotes over HTTP, its offers applied in its own process.

The same goods, baskets and offers on both sides; every total is compared before time is.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from bench.ground import Ground, Place
from bench.measure import BenchFailed, Probe, Sample
from bench.members import phone_of
from bench.options import Options
from bench.oscar_processes import OscarShops, oscar_python, oscar_shops
from bench.pricing import put_in_force
from bench.processes import hub_web
from bench.programme import LINES, promotion, rules
from bench.quote import WARM_S, Presser, ask

FEW_OFFERS, MANY_OFFERS = 50, 200
OURS, OSCAR = "quotes, {} offers", "django-oscar, {} offers"
PERCENTS = (10, 15, 5)
"""The first three offers name goods on shelves that are bought from; the rest repeat them."""
BOUGHT_SHELVES, ON_A_SHELF = 5, 5
BASKETS, MOST_OF_ONE = 6, 3


@dataclass(frozen=True, slots=True)
class Product:
    """`price` in whole roubles: a whole percent of it is whole kopecks, so that neither side
    rounds anything."""

    sku: str
    category: str
    price: int


@dataclass(frozen=True, slots=True)
class Offer:
    """Percent off the goods that it lists."""

    id: str
    percent: int
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Position:
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shop:
    products: tuple[Product, ...]
    offers: tuple[Offer, ...]
    baskets: tuple[tuple[Position, ...], ...]


@dataclass(frozen=True, slots=True)
class Total:
    """What a basket comes to in roubles, and what each offer that applied takes off."""

    payable: Decimal
    discounts: Mapping[str, Decimal]


@contextmanager
def oscar_probes(ground: Ground) -> Iterator[list[Probe]]:
    """As many processes of django-oscar as the hub's web has; one side is asked at a time."""
    place, options, python = ground.own("oscar"), ground.options, oscar_python(ground.tell)
    sides: list[_Side] = []
    with ExitStack() as stack:
        address = stack.enter_context(hub_web(place.web(options)))
        for count in (FEW_OFFERS, MANY_OFFERS):
            shop = make_shop(count)
            shops = oscar_shops(python, asdict(shop), options.workers, place.folder)
            sides.append(_Side(address, place, shop, stack.enter_context(shops)))
        ground.remark("oscar", f"{options.workers} processes of {sides[0].theirs.versions}.")
        for side in sides:
            side.compare()
            side.theirs.press(min(WARM_S, options.seconds))
        yield [probe for side in sides for probe in side.probes(options)]


@dataclass(frozen=True, slots=True)
class _Side:
    """One shop, in the hub and in django-oscar."""

    address: str
    place: Place
    shop: Shop
    theirs: OscarShops

    def compare(self) -> None:
        """Raises: BenchFailed where a total differs."""
        put_in_force(self.place, rules_of(self.shop))
        ours = [our_total(self._quote(body)) for body in bodies_of(self.shop)]
        for totals in self.theirs.totals:
            compare(ours, [their_total(told) for told in totals])

    def _quote(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = ask(self.address, self.place, body)
        if not asked.ok:
            raise BenchFailed(f"no quote: {asked.status_code} {asked.text[:500]}")
        quote: Mapping[str, Any] = asked.json()
        return quote

    def probes(self, options: Options) -> list[Probe]:
        presser = Presser(self.address, self.place, bodies_of(self.shop))
        count, seconds = len(self.shop.offers), options.seconds

        def ours() -> dict[str, Sample]:
            put_in_force(self.place, rules_of(self.shop))
            presser(options.connections, WARM_S)
            return {OURS.format(count): presser(options.connections, seconds)}

        def theirs() -> dict[str, Sample]:
            return {OSCAR.format(count): self.theirs.press(seconds)}

        return [
            Probe(OURS.format(count), ours, WARM_S + seconds),
            Probe(OSCAR.format(count), theirs, seconds),
        ]


# --- the shop -------------------------------------------------------------------------------


def make_shop(offers: int) -> Shop:
    """Each offer has a shelf of goods; the baskets are the same for any number of offers."""
    chance = random.Random(4)
    bought = [product for number in range(BOUGHT_SHELVES) for product in _shelf(number)]
    baskets = tuple(
        tuple(
            Position(product.sku, chance.randint(1, MOST_OF_ONE))
            for product in chance.sample(bought, LINES)
        )
        for _ in range(BASKETS)
    )
    others = [_shelf(BOUGHT_SHELVES + number) for number in range(offers - len(PERCENTS))]
    shelves = [*map(_shelf, range(len(PERCENTS))), *others]
    return Shop(
        products=(*bought, *(product for shelf in others for product in shelf)),
        offers=tuple(
            Offer(
                f"p_{number}",
                PERCENTS[number % len(PERCENTS)],
                tuple(product.sku for product in shelf),
            )
            for number, shelf in enumerate(shelves)
        ),
        baskets=baskets,
    )


def _shelf(number: int) -> list[Product]:
    return [
        Product(f"SKU-{number}-{one}", f"shelf-{number}", 101 + 7 * number + 23 * one)
        for one in range(ON_A_SHELF)
    ]


def rules_of(shop: Shop) -> dict[str, Any]:
    return rules(
        promotion(offer.id, "percent_off", percent=str(offer.percent), skus=list(offer.skus))
        for offer in shop.offers
    )


def bodies_of(shop: Shop) -> list[dict[str, Any]]:
    """What a till asks for the baskets."""
    products = {product.sku: product for product in shop.products}
    return [
        {
            "channel": "pos",
            "member": {"phone": phone_of(0), "verified": True},
            "lines": [
                _line(number, products[position.sku], position.quantity)
                for number, position in enumerate(basket)
            ],
        }
        for basket in shop.baskets
    ]


def _line(number: int, product: Product, quantity: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "sku": product.sku,
        "name": f"Product {product.sku}",
        "quantity": str(quantity),
        "price": f"{product.price}.00",
        "amount": f"{product.price * quantity}.00",
        "categories": [product.category],
    }


# --- the totals -----------------------------------------------------------------------------


def our_total(quote: Mapping[str, Any]) -> Total:
    discounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in quote["lines"]:
        for part in line["discounts"]:
            discounts[part["promotion"]] += Decimal(part["amount"])
    return Total(Decimal(quote["totals"]["payable"]), dict(discounts))


def their_total(told: Mapping[str, Any]) -> Total:
    discounts = {offer: Decimal(amount) for offer, amount in told["discounts"].items()}
    return Total(Decimal(told["payable"]), discounts)


def compare(ours: Sequence[Total], theirs: Sequence[Total]) -> None:
    """Raises: BenchFailed unless all baskets come to the same, with something off each."""
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        if own != other:
            raise BenchFailed(f"basket {number}: {own} here, {other} in django-oscar")
        if not own.discounts:
            raise BenchFailed(f"basket {number}: no offer applies")
