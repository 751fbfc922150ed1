"""The calls of the Partner API that a till makes: `/connect/<installation>/...`.

Nothing is booked while a till waits.  An operation is promised by a hold, which says at once
whether sum and points are right, and kept; the worker books it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors.uds import codes, schemas
from connectors.uds.cart import (
    Who,
    calculated,
    cart_of,
    identified,
    most_points,
    request_of,
    terms_of,
)
from connectors.uds.routes import OPERATION, REFUND, verify
from connectors.uds.schemas import load
from connectors.uds.words import (
    Json,
    Refusal,
    as_refusal,
    display_name,
    number,
    operation_view,
    purchase_view,
    refusal_of,
    reply,
    tier_view,
    user_view,
    whole_number,
)
from loyalty_kit.checker import compile_load
from loyalty_kit.checkout import HoldRequest, Quote
from loyalty_kit.desk import BookedSale, Buyer, Declined, Desk, Terms
from loyalty_kit.errors import PayloadInvalid, Refused, SignatureInvalid
from loyalty_kit.events import Customer
from loyalty_kit.json_text import json_body
from loyalty_kit.money import UNIT_MILLI
from loyalty_kit.ports import InboundRequest, ProtocolReply, ProtocolRoute, Settings

Answer = Callable[[InboundRequest, Desk, Settings], ProtocolReply]

HOLD_S = 900
ORIGIN = "x-origin-request-id"
MOST_ORIGIN = 100
MOST_DIGITS = 15
"""Of an operation's number."""
PASSING = ("tryAgain", "paused")
"""Refusals that say nothing of the call itself."""

_CALCULATION, _OPERATION = (
    compile_load(schemas.Calculation()),
    compile_load(schemas.Operation()),
)
_SEARCH, _RETURN = compile_load(schemas.Search()), compile_load(schemas.Return())


def _route(method: str, path: str, answer: Answer) -> ProtocolRoute:
    """Every answer proves the caller first, tells refusals in UDS's form, and names the call."""

    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            verify(request, settings)
            told = answer(request, desk, settings)
        except SignatureInvalid:
            told = _refused(request, Refusal("unauthorized"))
        except Refusal as refusal:
            told = _refused(request, refusal)
        except Declined as declined:
            told = _refused(request, as_refusal(declined))
        except (PayloadInvalid, Refused):
            told = _refused(request, Refusal("badRequest"))
        return replace(told, headers={**told.headers, **_named(request, desk)})

    return ProtocolRoute(method, path, guarded)


def _refused(request: InboundRequest, refusal: Refusal) -> ProtocolReply:
    return refusal_of(refusal, request.headers.get("accept-language"))


def _named(request: InboundRequest, desk: Desk) -> dict[str, str]:
    """The caller's own name of the call comes back beside ours."""
    named = {"X-Request-Id": str(uuid.uuid4()), "X-Timestamp": desk.now.isoformat()}
    origin = _origin(request)
    return named if origin is None else {**named, "X-Origin-Request-Id": origin}


def _origin(request: InboundRequest) -> str | None:
    told = request.headers.get(ORIGIN, "").strip()
    return told if told.isascii() and told.isprintable() and 0 < len(told) <= MOST_ORIGIN else None


def _body(request: InboundRequest) -> Any:
    return json_body(request.body, PayloadInvalid)


# What is only asked


def _settings(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    terms = terms_of(desk)
    return reply(
        {
            "id": int(settings["company_id"]),
            "name": settings["shop"],
            "promoCode": None,
            "currency": "RUB",
            "baseDiscountPolicy": "CHARGE_SCORES",
            "purchaseByPhone": True,
            "usePointsByPhone": settings["points_by_phone"],
            "loyaltyProgramSettings": {
                "baseMembershipTier": tier_view(terms, None),
                "membershipTiers": [tier_view(terms, one.code) for one in terms.tiers],
                "referralCashbackRates": [],
                "deferPointsForDays": 0,
            },
        }
    )


def _find(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    asked = load(_SEARCH, {name: value for name, value in request.query.items() if value})
    who = identified(asked["code"], asked["uid"], asked["phone"], desk, settings)
    if who is None:
        raise Refusal("badRequest")
    if who.buyer is None:
        raise Refusal("notFound")
    terms = terms_of(desk)
    quote, most = calculated(asked, who, desk)
    told = {
        "user": user_view(who.buyer, terms),
        "code": _code(who, who.buyer, asked["exchange"] == "true", desk, settings),
        "type": "PURCHASE",
        "purchase": purchase_view(quote, asked, most, _limit(terms, who.buyer)),
    }
    return reply(told)


def _code(who: Who, buyer: Buyer, long: bool, desk: Desk, settings: Settings) -> str | None:
    """For who showed a code or a card: one that stays good while the receipt is rung up.  One of
    our own ends when it ends: it was not shown, and may have been used."""
    if not who.may_spend:
        return None
    if who.code is not None:
        return who.code
    lives = codes.EXCHANGED_LIVES if long else codes.LIVES
    return codes.make(settings["code_key"], buyer.id, desk.now, lives=lives)


def _calculate(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """A receipt may be reckoned before anybody knows whose it is."""
    told, terms = load(_CALCULATION, _body(request)), terms_of(desk)
    who = _who(told, desk, settings) or Who(Customer(), None, may_spend=False)
    quote, most = calculated(told["receipt"], who, desk)
    user = None if who.buyer is None else user_view(who.buyer, terms)
    view = purchase_view(quote, told["receipt"], most, _limit(terms, who.buyer))
    return reply({"user": user, "purchase": view})


def _who(told: Json, desk: Desk, settings: Settings) -> Who | None:
    participant = told["participant"] or {}
    uid, phone = participant.get("uid"), participant.get("phone")
    return identified(told["code"], uid, phone, desk, settings)


def _limit(terms: Terms, buyer: Buyer | None) -> int:
    named = next((t for t in terms.tiers if buyer is not None and t.code == buyer.tier), None)
    return terms.limit_bp if named is None else named.limit_bp


# What has happened


def _operate(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """The nonce names the operation: told again, it is the same, whatever became of the answer."""
    document = _body(request)
    told = load(_OPERATION, document)
    name = told["nonce"] or _receipt_name(told, desk) or _origin(request)
    if name is None:
        raise Refusal("badRequest")
    terms_of(desk)
    operation = whole_number(name)
    booked = desk.booked(str(operation))
    receipt = told["receipt"]
    if booked is not None:
        _check_same(booked, receipt)
        return reply(_sold(operation, told, None, desk))
    said = f"{receipt['cash']}/{receipt['points'] or 0}"
    taken = f"taken:{operation}:{whole_number(json.dumps([said, told['code']]))}"
    try:
        who, discount_minor = _promised(operation, said, told, desk, settings)
    except (Declined, Refusal) as error:
        refusal = as_refusal(error) if isinstance(error, Declined) else error
        # What was taken will be booked, whatever has become of its code or points meanwhile.
        if refusal.code in PASSING or desk.own(taken, "refused"):
            raise
        return reply(_sold(operation, told, None, desk))
    kept = {
        "id": str(operation),
        "cart": cart_of(f"{operation}/{said}"),
        "at": desk.now.isoformat(),
        "member": None if who.buyer is None else who.buyer.id,
        "discount": number(discount_minor),
        "told": {key: value for key, value in document.items() if key != "code"},
    }
    desk.keep(OPERATION.name, replace(request, body=json.dumps(kept).encode()))
    desk.own(taken, "kept")
    return reply(_sold(operation, told, who.buyer, desk))


def _promised(
    operation: int, said: str, told: Json, desk: Desk, settings: Settings
) -> tuple[Who, int]:
    """Whose it is, and its discount: the receipt is held for, under a cart of its own.

    Raises: Refusal, Declined.
    """
    receipt, cart = told["receipt"], cart_of(f"{operation}/{said}")
    who = _who(told, desk, settings)
    if who is None:
        raise Refusal("badRequest")
    if receipt["points"] and not who.may_spend:
        raise Refusal("withdrawNotPermitted")
    quote = _held(cart, receipt, who, desk)
    # A code is good for one operation, and a nonce for one receipt; either may be told again.
    if who.code is not None and not desk.own(f"code:{who.code}", str(operation)):
        desk.release(cart)
        raise Refusal("notFound")
    if not desk.own(f"operation:{operation}", said):
        desk.release(cart)
        raise Refusal("invalidChecksum")
    return who, quote.totals.discount_minor


def _receipt_name(told: Json, desk: Desk) -> str | None:
    """A till without nonces that asks again may name the call anew: a receipt of one number, day,
    cashier, buyer and sums is one.  None where it has no number."""
    receipt, who, cashier = told["receipt"], told["participant"] or {}, told["cashier"] or {}
    if not receipt["number"]:
        return None
    said = (
        desk.now.date().isoformat(),
        receipt["number"],
        *(receipt[name] or 0 for name in ("total", "cash", "points", "skip")),
        *(who.get(name) for name in ("uid", "phone")),
        *(cashier.get(name) for name in ("external_id", "name")),
        told["code"],
    )
    return json.dumps(said)


def _check_same(booked: BookedSale, receipt: Json) -> None:
    """Raises: Refusal, where another receipt was told under this nonce."""
    paid = sum(line.paid_minor for line in booked.lines)
    if (paid, booked.spent) != (receipt["cash"], receipt["points"] or 0):
        raise Refusal("invalidChecksum")


def _held(cart: str, receipt: Json, who: Who, desk: Desk) -> Quote:
    """What the till says is what the hub reckons, to the kopeck, and is set aside.  The cart is
    this receipt's alone, so another one under the same nonce leaves the hold of the first.

    Raises: Refusal, Declined.
    """
    request = request_of(receipt, who, cart)
    points = receipt["points"] or 0
    asked = HoldRequest(
        request,
        ttl_s=HOLD_S,
        expect_payable_minor=receipt["cash"],
        expect_spend_points=points,
    )
    if receipt["unredeemable"] and points > most_points(desk.quote(request), receipt, who):
        raise Refusal("discountLimitExceed")
    try:
        return desk.hold(asked)
    except Declined as declined:
        if declined.code != "price_changed":
            raise
    quote = desk.quote(replace(request, spend=None))
    too_many = points > most_points(quote, receipt, who)
    raise Refusal("discountLimitExceed" if too_many else "invalidChecksum")


def _sold(operation: int, told: Json, buyer: Buyer | None, desk: Desk) -> Json:
    receipt, cashier = told["receipt"], told["cashier"]
    more: Json = {
        "points": number(-(receipt["points"] or 0)) or 0.0,
        "receiptNumber": receipt["number"],
        "total": number(receipt["total"]),
        "cash": number(receipt["cash"]),
    }
    if buyer is not None:
        name = display_name(buyer)
        more["customer"] = {
            "id": whole_number(buyer.id),
            "displayName": name,
            "uid": buyer.id,
        }
    if cashier is not None and (known := cashier["external_id"] or cashier["name"]):
        more["cashier"] = {"id": whole_number(known), "displayName": cashier["name"] or known}
    return operation_view(operation, "NORMAL", desk.now, **more)


def _give_back(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """All of an operation, once; or a part, as often as calls of different names ask for it.  One
    that is told again is answered as before.  Each waits until the one before it is booked: what
    is left for it is not known sooner."""
    operation = request.steps["operation"]
    told = load(_RETURN, _body(request) if request.body.strip() else {})
    known = operation.isascii() and operation.isdecimal() and len(operation) <= MOST_DIGITS
    booked = desk.booked(operation) if known else None
    if booked is None:
        raise Refusal("notFound")
    name = _return_name(operation, told["part"], request)
    if name in booked.returns:
        amount = booked.returns[name]
        if told["part"] not in (None, amount):
            raise Refusal("badRequest")
        return reply(_given_back(operation, name, amount, desk))
    lines = _lines_back(booked, told["part"])
    amount = sum(minor for _, minor in lines)
    if not lines:
        amount = sum(line.back_minor for line in booked.lines)
    elif not desk.own(f"return:{name}", str(told["part"])):
        raise Refusal("badRequest")
    elif not desk.own(f"turn:{operation}:{len(booked.returns)}", name):
        raise Refusal("tryAgain")
    else:
        kept = {
            "id": name,
            "operation": operation,
            "at": desk.now.isoformat(),
            "whole": told["part"] is None,
            "lines": [{"id": line, "back": number(minor)} for line, minor in lines],
        }
        desk.keep(REFUND.name, replace(request, body=json.dumps(kept).encode()))
    return reply(_given_back(operation, name, amount, desk))


def _return_name(operation: str, part: int | None, request: InboundRequest) -> str:
    """Raises: Refusal, where a part has no name or is nothing."""
    if part is None:
        return f"{operation}-whole"
    origin = _origin(request)
    if origin is None or not part:
        raise Refusal("badRequest")
    return f"{operation}-{whole_number(origin)}"


def _given_back(operation: str, name: str, amount: int, desk: Desk) -> Json:
    return operation_view(
        whole_number(name),
        "REVERSAL",
        desk.now,
        origin={"id": int(operation)},
        points=0.0,
        total=number(amount),
        cash=number(amount),
    )


def _lines_back(booked: BookedSale, part: int | None) -> list[tuple[str, int]]:
    """Money of each line that goes back; a part is taken of the first line first.

    Raises: Refusal, where more is asked for than is left.
    """
    if part is None:
        whole = [line for line in booked.lines if line.back_milli < UNIT_MILLI]
        return [(line.id, line.paid_minor - line.back_minor) for line in whole]
    found = []
    for line in booked.lines:
        taken = min(part, line.paid_minor - line.back_minor)
        part -= taken
        if taken:
            found.append((line.id, taken))
    if part:
        raise Refusal("badRequest")
    return found


ROUTES = (
    _route("GET", "settings", _settings),
    _route("GET", "customers/find", _find),
    _route("POST", "operations/calc", _calculate),
    _route("POST", "operations", _operate),
    _route("POST", "operations/<operation>/refund", _give_back),
)
