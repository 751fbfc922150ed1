"""The Loyalty API 1.0, which MoySklad's till calls: every endpoint, in the vendor's words.

Its base address is the installation's own, `/connect/<installation>`.  Nothing is booked while
the till waits: a sale or a return is kept as it came, and what it means is the worker's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from connectors.moysklad import schemas
from connectors.moysklad.cart import HOLD_S, recalculated
from connectors.moysklad.people import customer_of, email_of, new_buyer, phone_of
from connectors.moysklad.routes import RETURN, SALE, verify_till
from connectors.moysklad.schemas import load
from connectors.moysklad.till_words import (
    NEEDS_CODE,
    Refusal,
    as_till,
    buyer_row,
    empty,
    gift_card_row,
    number_of,
    refusal_of,
    reply,
)
from connectors.moysklad.translate import cart_of, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.desk import CODES_SETTING, Declined, Desk, SentCode
from loyalty_kit.errors import PayloadInvalid, Refused, SignatureInvalid
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.json_text import json_body
from loyalty_kit.ports import InboundRequest, ProtocolReply, ProtocolRoute, Settings
from loyalty_kit.redact import masked_address

T = TypeVar("T")
Answer = Callable[[InboundRequest, Desk, Settings], ProtocolReply]

MOST_ROWS = 20
"""Answers to a search have no pages."""

_ENTERED, _ASKED = compile_load(schemas.Entered()), compile_load(schemas.AskedToSpend())


def _route(method: str, path: str, answer: Answer) -> ProtocolRoute:
    """Every answer proves the caller first, and tells every refusal in the vendor's form."""

    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            verify_till(request, settings)
            return answer(request, desk, settings)
        except SignatureInvalid:
            return refusal_of(Refusal("wrong_token", status=401))
        except Refusal as refusal:
            return refusal_of(refusal)
        except Declined as declined:
            return refusal_of(as_till(declined))
        except (PayloadInvalid, Refused):
            return refusal_of(Refusal("bad_request"))

    return ProtocolRoute(method, path, guarded)


# Buyers


def _enter(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = load(_ENTERED, json_body(request.body, PayloadInvalid))
    new = new_buyer(told)
    if new.external is None and new.phone is None and new.card is None and new.email is None:
        raise Refusal("nobody")
    unchecked = told["check"] == "UNCHECKED" and new.phone is not None
    if unchecked and settings["confirm_registration"] and settings["codes_to_till"]:
        external = None if new.external is None else ExternalId(None, new.external)
        known = desk.buyer(Customer(external=external, phone=new.phone))
        if known is None:
            raise Refusal("confirm_first", code=NEEDS_CODE)
    desk.enrol(new)
    return empty(201)


def _search(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    text = request.query.get("search", "")[:200]
    found = desk.search(text, limit=MOST_ROWS)
    if not found and (phone := phone_of(text)) is not None:
        found = desk.search(phone, limit=MOST_ROWS)
    return reply({"rows": [buyer_row(one) for one in found]})


def _detail(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = load(_ENTERED, json_body(request.body, PayloadInvalid))
    customer = customer_of(told, settings)
    found = None if customer is None else desk.buyer(customer)
    if found is None and customer is not None and settings["enrol_at_till"]:
        found = desk.enrol(replace(new_buyer(told), confirmed=False))
    if found is None:
        raise Refusal("unknown_buyer", status=404)
    return reply({"bonusProgram": {"agentBonusBalance": number_of(found.available + found.held)}})


def _confirm_registration(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = load(_ENTERED, json_body(request.body, PayloadInvalid))
    phone, email = phone_of(told["phone"]), email_of(told["email"])
    if phone is None and email is None:
        raise Refusal("no_phone")
    _check_codes(settings)
    sent = desk.send_code(Customer(phone=phone, email=email), "join")
    return _code(sent, phone or email or "")


# Sales


def _recalc(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    return reply(recalculated(json_body(request.body, PayloadInvalid), desk, settings))


def _confirm_spending(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = load(_ASKED, json_body(request.body, PayloadInvalid))
    phone = phone_of(told["phone"])
    customer = Customer(external=ExternalId(None, told["buyer"]), phone=phone)
    found = desk.buyer(customer)
    if found is None:
        raise Refusal("unknown_buyer", status=404)
    _check_codes(settings)
    cart = cart_of(told["buyer"], told["store"])
    if cart is not None:
        desk.renew(cart, shop=shop_of(told["store"], settings), ttl_s=HOLD_S)
    sent = desk.send_code(Customer(id=found.id), "spend", cart=cart)
    return _code(sent, found.phone or found.email or "")


def _check_codes(settings: Settings) -> None:
    """No code is sent that the till could not compare."""
    if settings[CODES_SETTING] is not True:
        raise Refusal("codes_are_off")


def _code(sent: SentCode, address: str) -> ProtocolReply:
    """The till compares the code itself, so without the owner's consent there is no way."""
    if sent.code is None:
        raise Refusal("codes_are_off")
    return reply(
        {
            "verificationCode": sent.code,
            "timeForRepeat": sent.retry_after_s,
            "messageForCashier": f"Код отправлен: {masked_address(address)}"[:140],
        }
    )


def _sold(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Whatever the sale says, it has happened: it is kept, and what is odd is flagged later."""
    desk.keep(SALE.name, request)
    return empty(201)


def _returned(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    desk.keep(RETURN.name, request)
    return empty(201)


def _gift_card(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """A certificate that is for some goods or one member alone is not shown as money: the till
    asks by the number alone, and takes a card for whatever is bought."""
    number = request.query.get("name", "").strip()
    found = desk.gift_card(number) if number else None
    if found is None:
        raise Refusal("unknown_card", status=404)
    return reply(gift_card_row(number, found))


ROUTES = (
    _route("POST", "counterparty", _enter),
    _route("GET", "counterparty", _search),
    _route("POST", "counterparty/detail", _detail),
    _route("POST", "counterparty/verify", _confirm_registration),
    _route("POST", "retaildemand/recalc", _recalc),
    _route("POST", "retaildemand/verify", _confirm_spending),
    _route("POST", "retaildemand", _sold),
    _route("POST", "retailsalesreturn", _returned),
    _route("GET", "giftcard", _gift_card),
)
