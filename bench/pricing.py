"""What promotions cost a quote: those that match the basket, and those that are only in force."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from bench.ground import Ground, Place
from bench.measure import EACH, BenchFailed, Probe, Sample
from bench.members import phone_of
from bench.processes import hub_web
from bench.programme import PROMOTIONS, Promotion, in_force, publish, rules
from bench.quote import WARM_S, Presser, ask, basket, checked_answer
from hub.clock import SystemClock
from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.pricing.plan import compile_rules
from loyalty_core.domain.pricing.price import price_basket
from loyalty_core.domain.rules import parse_rules
from loyalty_kit.checkout_schema import load_quote_request

MANY = 200
IN_FORCE = (10, 100, 1000)
REQUEST_ONE = "quote, 1 promotion in force"
REQUEST_MANY = f"quote, {MANY} promotions in force"
ENGINE, JSON = "pricing alone, 3 promotions apply", "json.loads and json.dumps of the basket"
ENGINE_OF = "pricing alone, 3 of {} in force apply"
_BUYER = MemberFacts(known=True, may_spend=True, available_points=100_000_00)
_BATCH = 50


@contextmanager
def pricing_probes(ground: Ground) -> Iterator[list[Probe]]:
    """One hub, one programme and the same members; only the rules in force change."""
    place, options = ground.own("pricing"), ground.options
    documents = {
        REQUEST_ONE: rules(PROMOTIONS[:1]),
        REQUEST_MANY: rules(in_force(PROMOTIONS[:1], MANY)),
    }
    works = pricing_works()
    with hub_web(place.web(options)) as address:
        _check_prices(address, place, documents.values())
        presser = Presser(address, place)

        def request(name: str) -> dict[str, Sample]:
            put_in_force(place, documents[name])
            presser(1, WARM_S)
            return {name: presser(1, options.seconds)}

        yield [
            *[Probe(name, partial(request, name), WARM_S + options.seconds) for name in documents],
            Probe("pricing alone", lambda: by_turns(works, options.seconds), options.seconds),
        ]


def put_in_force(place: Place, document: Mapping[str, Any]) -> None:
    publish(place.engine, place.programme.id, document, SystemClock().now())


def _check_prices(address: str, place: Place, documents: Iterable[Mapping[str, Any]]) -> None:
    """Raises: BenchFailed unless every one of these rule sets gives the same price."""
    prices = []
    for document in documents:
        put_in_force(place, document)
        checked_answer(address, place)
        told = ask(address, place).json()
        prices.append((told["lines"], told["totals"], told["points"]))
    if any(price != prices[0] for price in prices):
        raise BenchFailed("promotions for other goods change the price")


# --- the engine alone -----------------------------------------------------------------------


def pricing_works() -> dict[str, Callable[[], object]]:
    """By name, one call each.  Raises: BenchFailed where other promotions apply than meant."""
    body = json.dumps(basket(phone_of(0)))
    return {
        JSON: lambda: json.dumps(json.loads(body)),
        ENGINE: _pricing(body, PROMOTIONS),
        **{
            ENGINE_OF.format(count): _pricing(body, list(in_force(PROMOTIONS, count)))
            for count in IN_FORCE
        },
    }


def _pricing(body: str, promotions: Sequence[Promotion]) -> Callable[[], object]:
    plan = compile_rules(parse_rules(rules(promotions)), 1)
    request, now = load_quote_request(json.loads(body)), SystemClock().now()
    work = partial(price_basket, request, plan, _BUYER, now)
    applied = {
        outcome.promotion.promotion.id for outcome in work().outcomes if outcome.refusal is None
    }
    if applied != {one["id"] for one in PROMOTIONS}:
        raise BenchFailed(f"of {len(promotions)} promotions these applied: {sorted(applied)}")
    return work


def by_turns(works: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, Sample]:
    """Processor time of one call of each: a batch of one, then of the next; their medians."""
    took: dict[str, list[float]] = {name: [] for name in works}
    began = time.perf_counter()
    while not all(took.values()) or time.perf_counter() - began < seconds:
        for name, work in works.items():
            started = time.process_time()
            for _ in range(_BATCH):
                work()
            took[name].append((time.process_time() - started) / _BATCH)
    return {name: {EACH: 1e6 * statistics.median(some)} for name, some in took.items()}
