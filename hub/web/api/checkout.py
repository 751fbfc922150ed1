"""Checkout: quotes and holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import guesses
from hub.web import errors
from hub.web.api import body, render_quote, scanned
from hub.web.api import schemas as wire
from hub.web.api.call import NOTHING, Call, Operation, answer
from hub.web.api.confirmations import counted, secrets_of
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.errors import LoyaltyError
from loyalty_core.service.hold_points import (
    PlacedHold,
    get_hold,
    name_order,
    place_hold,
    release_hold,
)
from loyalty_core.service.quote_basket import base_quote, quote_basket, quote_baskets
from loyalty_core.store.prompt import UNAVAILABLE, TooLate
from loyalty_kit.checkout import HoldRequest, Quote, QuoteRequest
from loyalty_kit.checkout_schema import (
    HoldRequestSchema,
    QuoteRequestSchema,
    QuoteSchema,
    load_hold_request,
    load_quote_request,
)
from loyalty_kit.money import format_decimal

SCOPE = "checkout"
blueprint = Blueprint("checkout", __name__, description="What a basket is worth, and promises.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/quotes",
        scope=SCOPE,
        takes=QuoteRequestSchema,
        gives={200: QuoteSchema},
        answers_late=True,
    ),
)
def quote(call: Call) -> Answer:
    """Price a basket.

    Writes nothing and promises nothing.  Past its deadline it answers base prices without
    spending: `degraded`.
    """
    request = body.load(load_quote_request, body.read_json())
    found = _guarded(call, request) if guesses.codes_in(request) else priced(call, request)
    return answer(render_quote.quote(found))


def _guarded(call: Call, request: QuoteRequest) -> Quote:
    """Wrong codes are counted; who has none left is told nothing of codes, right or wrong."""
    tries = call.room.guesses
    found = priced(call, request)
    seen = found.member
    # A name that somebody typed is not whom it names.
    member = seen.id if seen is not None and seen.verified else None
    callers = guesses.callers_of(call.key.id, member=member, cart=request.cart)
    if not tries.is_out(callers, call.now):
        tries.count(callers, guesses.count_wrong(found), call.now)
        return found
    bare = priced(call, guesses.without_codes(request))
    return guesses.told_out(bare, request)


def priced(call: Call, request: QuoteRequest) -> Quote:
    """The basket's price, or base prices past the deadline.

    Wrong cards are counted; who has no tries left is priced as nobody knows.
    """
    request = _without_card_of_guessers(call, request)
    found = _priced(call, request)
    _count_card(call, request, found)
    return found


def priced_together(
    some: Sequence[tuple[Call, QuoteRequest]], *, share: float
) -> list[Quote | None]:
    """As `priced` of each, with one look at the database for several; None for one that must be
    priced alone.

    Raises: of several, one of `UNAVAILABLE` once that share of what the first call has left is
    over; each has time then to be priced alone.
    """
    if len(some) == 1:
        return [priced(*some[0])]
    if not some:
        return []
    asked = [(call, _without_card_of_guessers(call, request)) for call, request in some]
    first = asked[0][0]
    now = first.room.hub.clock.now()
    found = first.read_in_time(
        lambda connection: quote_baskets(
            connection,
            first.plans,
            [(call.source, scanned.basket(call, connection, request)) for call, request in asked],
            now=now,
        ),
        share=share,
    )
    for (call, request), quote in zip(asked, found, strict=True):
        if quote is not None:
            _count_card(call, request, quote)
    return found


def _without_card_of_guessers(call: Call, request: QuoteRequest) -> QuoteRequest:
    """The basket, whose buyer has no card where no tries are left."""
    triers = guesses.card_triers(call.key.id, request)
    out = call.room.guesses.is_out(triers, call.now) if triers else False
    return guesses.without_card(request) if out else request


def _count_card(call: Call, request: QuoteRequest, found: Quote) -> None:
    triers = guesses.card_triers(call.key.id, request)
    if triers and guesses.tried_card(request, found):
        call.room.guesses.count(triers, 1, call.now)


def _priced(call: Call, request: QuoteRequest) -> Quote:
    hub = call.room.hub
    try:
        return call.read_in_time(
            lambda connection: quote_basket(
                connection,
                call.plans,
                call.source,
                scanned.basket(call, connection, request),
                now=call.now,
            )
        )
    except UNAVAILABLE as error:
        errors.log_unavailable(error)
        hub.metrics.degraded("late" if isinstance(error, TooLate) else "database")
        return base_quote(request, now=call.now)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/holds",
        scope=SCOPE,
        takes=HoldRequestSchema,
        gives={201: wire.HoldSchema},
        refuses=(409,),
        idempotency_key="optional",
    ),
)
def hold(call: Call) -> Answer:
    """Promise a price and set points aside for a cart or an order.

    The same cart again replaces its hold.  Never degraded: 503 instead.
    """
    told = body.read_json()
    wanted = body.load(load_hold_request, told)
    tries = call.room.guesses
    wanted = replace(wanted, request=_without_card_of_guessers(call, wanted.request))
    seen: Quote | None = None

    def look(quote: Quote) -> None:
        """Of somebody who has run out of tries no code is held, and nothing told of one."""
        nonlocal seen
        if guesses.codes_in(wanted.request):
            tries.check(_guessers(call, wanted, quote), call.now)
        seen = quote

    def place(connection: Connection) -> Answer:
        nonlocal seen
        seen = None
        held = place_hold(
            connection,
            call.plans,
            call.source,
            replace(wanted, request=scanned.basket(call, connection, wanted.request)),
            now=call.now,
            code_secrets=secrets_of(call),
            looked=look,
        )
        return answer(_hold(held), 201)

    def count() -> None:
        if seen is not None:
            callers = _guessers(call, wanted, seen)
            tries.count(callers, guesses.count_wrong(seen), call.now)
            _count_card(call, wanted.request, seen)

    # An answer that is given again has looked at no code, and a failure has told of none.
    try:
        done = call.write(counted(place), told=told)
    except LoyaltyError:
        # It may tell the price, and so whether a code was right.
        count()
        raise
    count()
    return done


def _guessers(call: Call, wanted: HoldRequest, priced: Quote) -> list[str]:
    """Who was typed alone is not known."""
    seen = priced.member
    known = seen.id if seen is not None and seen.verified else None
    return guesses.callers_of(call.key.id, member=known, cart=wanted.request.cart)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/holds/<hold_id>",
        scope=SCOPE,
        gives={200: wire.HoldSchema},
        refuses=(404,),
    ),
)
def show_hold(call: Call, hold_id: str) -> Answer:
    """A hold as it stands."""
    found = call.read(lambda connection: get_hold(connection, call.source, hold_id, now=call.now))
    return answer(_hold(found))


@operation(
    blueprint,
    Operation(
        method="PATCH",
        rule="/holds/<hold_id>",
        scope=SCOPE,
        takes=wire.HoldOrderSchema,
        gives={200: wire.HoldSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def name_hold_order(call: Call, hold_id: str) -> Answer:
    """Name the order that a cart has become."""
    told = body.read_json()
    order = body.load(wire.HoldOrderSchema().load, told)["order"]
    return call.write(
        lambda connection: answer(
            _hold(name_order(connection, call.source, hold_id, order, now=call.now))
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/holds/<hold_id>",
        scope=SCOPE,
        gives={204: None},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def drop_hold(call: Call, hold_id: str) -> Answer:
    """Let a hold go; 204 also if it has ended by itself."""

    def release(connection: Any) -> Answer:
        release_hold(connection, call.source, hold_id, now=call.now)
        return NOTHING

    return call.write(release, told=None)


def _hold(placed: PlacedHold) -> dict[str, Any]:
    return {
        "id": placed.id,
        "state": placed.state,
        "expires_at": placed.expires_at.isoformat(),
        "cart": placed.cart,
        "order": placed.order,
        "points": format_decimal(placed.points),
        "quote": render_quote.quote(placed.quote),
    }
