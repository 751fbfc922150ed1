"""The contract for an application on the terminal: `/connect/<installation>/terminal/...`.

Calls come through Evotor's proxy, which adds the user's token and says for whom, from which shop
and from which terminal.  Nothing is booked while the till waits: the receipt that is closed comes
by the cloud, or, sold without a line, by the application itself (`terminal/receipts`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connectors.evotor import till_schemas
from connectors.evotor.answers import reply
from connectors.evotor.cart import STORE_HEADER, customer_of, priced
from connectors.evotor.people import card_of, email_of, phone_of
from connectors.evotor.routes import LATE_HOOK, MERCHANT, verify_user
from connectors.evotor.rules_pack import conflicts_of, packed, public_key
from connectors.evotor.schemas import id_of, load
from connectors.evotor.settings import listed
from connectors.evotor.till_words import (
    TEXTS,
    Refusal,
    as_refusal,
    buyer_view,
    decimal_of,
    refusal_of,
)
from connectors.evotor.translate import cart_of, is_ours, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.desk import Buyer, Declined, Desk, NewBuyer
from loyalty_kit.errors import PayloadInvalid, Refused, SignatureInvalid
from loyalty_kit.events import Customer
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import InboundRequest, ProtocolReply, ProtocolRoute, Settings
from loyalty_kit.redact import masked_address

Answer = Callable[[InboundRequest, Desk, Settings], ProtocolReply]

FORM = 1
"""Of this contract; it rises where an older application would not understand an answer."""

_WHO, _NEW = compile_load(till_schemas.Who()), compile_load(till_schemas.NewCustomer())
_ASKED = compile_load(till_schemas.Asked())


def verify_terminal(request: InboundRequest, settings: Settings) -> None:
    """Through the proxy it is always said for whom; a call that does not say it is none of its.

    Raises: SignatureInvalid.
    """
    verify_user(request, settings)
    if settings["user_id"] and request.headers.get(MERCHANT) != settings["user_id"]:
        raise SignatureInvalid("another user of Evotor, or none")


def _route(method: str, path: str, answer: Answer) -> ProtocolRoute:
    """Every answer proves the caller first, and tells every refusal in the contract's form."""

    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            verify_terminal(request, settings)
            return answer(request, desk, settings)
        except SignatureInvalid:
            return refusal_of(Refusal("unauthorized"))
        except Refusal as refusal:
            return refusal_of(refusal)
        except Declined as declined:
            return refusal_of(as_refusal(declined))
        except (PayloadInvalid, Refused):
            return refusal_of(Refusal("bad_request"))

    return ProtocolRoute(method, f"terminal/{path}", guarded)


def _body(request: InboundRequest) -> Any:
    return json_body(request.body, PayloadInvalid)


# Settings and rules


def _config(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    return reply(
        {
            "form": FORM,
            "shop": shop_of(request.headers.get(STORE_HEADER), settings),
            "enrol": settings["enrol_at_till"],
            "offline": {
                "spendLimit": decimal_of(settings["offline_spend"] * 100),
                "rulesHours": settings["pack_hours"],
            },
            "rulesKey": public_key(settings),
            "barredTypes": sorted(listed(settings["tobacco_types"])),
            "texts": {code: {"ru": ru, "en": en} for code, (ru, en) in TEXTS.items()},
        }
    )


def _rules(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    shop = shop_of(request.headers.get(STORE_HEADER), settings)
    return reply(packed(desk.terms(), shop, settings, desk.now))


# Buyers


def _resolve(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    customer = customer_of(load(_WHO, _body(request)))
    if customer is None:
        raise Refusal("nobody")
    return reply(buyer_view(_known(desk, customer)))


def _known(desk: Desk, customer: Customer) -> Buyer:
    """Raises: Refusal, Declined."""
    found = desk.buyer(customer)
    if found is None:
        raise Refusal("customer_not_found")
    return found


def _enrol(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Repeated, it is the same member.  Without a consent nothing is sent to the person."""
    told = load(_NEW, _body(request))
    if not settings["enrol_at_till"]:
        raise Refusal("enrolment_is_off")
    new = NewBuyer(
        phone=phone_of(told["phone"]),
        email=email_of(told["email"]),
        card=card_of(told["card"]),
        first_name=told["first_name"],
        last_name=told["last_name"],
        confirmed=told["consent"],
    )
    if new.phone is None and new.email is None and new.card is None:
        raise Refusal("phone_impossible" if told["phone"] else "nobody")
    return reply(buyer_view(desk.enrol(new)), 201)


# Receipts that are open


def _quote(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    store = request.headers.get(STORE_HEADER)
    return reply(priced(_body(request), store, desk, settings))


def _send_code(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """The code comes back in the next quote of the receipt, as `confirmationCode`."""
    customer = customer_of(load(_WHO, _body(request)))
    if customer is None:
        raise Refusal("nobody")
    buyer = _known(desk, customer)
    sent = desk.send_code(
        Customer(id=buyer.id),
        "spend",
        cart=_cart(request.steps),
        shop=shop_of(request.headers.get(STORE_HEADER), settings),
    )
    address = buyer.phone or buyer.email or ""
    return reply({"retryAfter": sent.retry_after_s, "sentTo": masked_address(address)}, 202)


def _drop(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """The receipt was cleared; dropped again, or sold meanwhile, it is as it was."""
    shop = shop_of(request.headers.get(STORE_HEADER), settings)
    desk.release(_cart(request.steps), shop=shop)
    return reply({})


def _cart(steps: Mapping[str, str]) -> str:
    """Raises: Refusal."""
    found = cart_of(id_of(steps["receipt"]))
    if found is None:
        raise Refusal("bad_request")
    return found


# Receipts of the time without a line


def _late(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Each receipt is kept by itself; which were not is said, and why is in no log of the till."""
    told = _body(request)
    receipts = told.get("receipts") if isinstance(told, dict) else None
    if not isinstance(receipts, list) or len(receipts) > till_schemas.MOST_RECEIPTS:
        raise Refusal("bad_request")
    kept, refused = [], []
    for place, one in enumerate(receipts):
        name = id_of(one.get("id")) if is_ours(one) else None
        if name is None:
            refused.append(place)
            continue
        try:
            body = json.dumps(one, ensure_ascii=False, sort_keys=True).encode()
        except UnicodeEncodeError:
            refused.append(place)
            continue
        desk.keep(LATE_HOOK.name, replace(request, body=body))
        kept.append(name)
    return reply({"kept": kept, "refused": refused})


def _report(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """What became of late receipts, and what the books say otherwise than the till did."""
    told = load(_ASKED, _body(request))
    found = []
    for one in told["receipts"]:
        booked = desk.booked(one["receipt"])
        if booked is None:
            found.append({"receiptUuid": one["receipt"], "state": "waiting"})
            continue
        found.append(
            {
                "receiptUuid": one["receipt"],
                "state": "booked",
                "earned": decimal_of(booked.earned),
                "spent": decimal_of(booked.spent),
                "conflicts": conflicts_of(one, booked, settings),
            }
        )
    return reply({"receipts": found})


TERMINAL = (
    _route("GET", "config", _config),
    _route("GET", "rules", _rules),
    _route("POST", "customers/resolve", _resolve),
    _route("POST", "customers", _enrol),
    _route("POST", "quotes", _quote),
    _route("POST", "quotes/<receipt>/code", _send_code),
    _route("DELETE", "quotes/<receipt>", _drop),
    _route("POST", "receipts", _late),
    _route("POST", "receipts/report", _report),
)
