"""A till's question beside a plain one, by turns: MoySklad's `recalc` of kind EARNING, and
`POST /quotes` with the same basket for the same members."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from sqlalchemy import Connection

from bench.doors import MORE, TILL_HEADER, connect_moysklad, ref
from bench.ground import Ground, Place
from bench.measure import BenchFailed, Probe
from bench.members import phone_of
from bench.processes import hub_web
from bench.programme import LINES, category_of
from bench.quote import ONE, PATH, TIMEOUT_S, WARM_S, Presser, bearer
from bench.warming import warm
from hub.clock import SystemClock
from loyalty_core.service.catalogue import upsert_products
from loyalty_core.store.database import transact
from loyalty_kit.ports import Product

RECALC, PLAIN = "recalc of MoySklad's till", "quote of the same basket"
_SKUS = [str(uuid.UUID(int=line + 1)) for line in range(LINES)]


@contextmanager
def recalc_probes(ground: Ground) -> Iterator[list[Probe]]:
    """The categories of both are for the catalogue to fill in, since a till names none."""
    place, options = ground.own("recalc"), ground.options
    _fill_catalogue(place)
    warm(place, ground.tell)
    path = f"{connect_moysklad(place).hooks['connect']}/retaildemand/recalc"
    with hub_web(place.web(options), MORE) as hub:
        _check(hub, place, path)
        pressers = {
            PLAIN: Presser(hub, place, [_basket()]),
            RECALC: Presser(hub, place, [_cart()], path=path, header=TILL_HEADER),
        }
        for presser in pressers.values():
            presser(1, WARM_S)

        def probe(name: str) -> Probe:
            one, seconds = pressers[name], options.seconds
            return Probe(name, lambda: {name + ONE: one(1, seconds)}, seconds)

        yield [probe(name) for name in pressers]


def _fill_catalogue(place: Place) -> None:
    goods = [
        Product(sku, f"Product {line}", categories=(category_of(line),))
        for line, sku in enumerate(_SKUS)
    ]

    def work(connection: Connection) -> None:
        upsert_products(connection, place.programme.id, goods, now=SystemClock().now())

    transact(place.engine, work)


def _basket() -> dict[str, Any]:
    return {
        "channel": "pos",
        "line_prices": "unit",
        "member": {"phone": phone_of(0), "verified": True},
        "lines": [
            {
                "id": str(line + 1),
                "sku": sku,
                "quantity": "1",
                "price": f"{100 + line}.00",
                "amount": f"{100 + line}.00",
            }
            for line, sku in enumerate(_SKUS)
        ],
    }


def _cart() -> dict[str, Any]:
    return {
        "retailStore": ref(1),
        "agent": {**ref(2), "phone": phone_of(0)},
        "positions": [
            {
                "assortment": {"meta": {"href": f"https://shop.example/{sku}", "id": sku}},
                "quantity": 1,
                "price": 100 + line,
            }
            for line, sku in enumerate(_SKUS)
        ],
        "bonusProgram": {"transactionType": "EARNING"},
    }


def _check(hub: str, place: Place, path: str) -> None:
    """Raises: BenchFailed unless both come to the same."""
    word, _, key = bearer(place).partition(": ")
    asked = requests.post(hub + PATH, json=_basket(), headers={word: key}, timeout=TIMEOUT_S)
    word, _, key = TILL_HEADER.partition(": ")
    told = requests.post(hub + path, json=_cart(), headers={word: key}, timeout=TIMEOUT_S)
    for answer in (asked, told):
        if not answer.ok:
            raise BenchFailed(f"{answer.status_code} {answer.text[:300]}")
    plain, till = asked.json(), told.json()
    payable = round(100 * sum(one["discountedPrice"] for one in till["positions"]))
    earned = round(100 * till["bonusProgram"]["bonusValueToEarn"])
    figures = plain["totals"]["payable"], plain["points"]["earn"]
    same = tuple(round(100 * float(one)) for one in figures)
    if (payable, earned) != same or not earned:
        raise BenchFailed(f"the till is told {payable}, {earned}; a quote tells {same}")
