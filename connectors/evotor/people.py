"""Buyers of Evotor in the hub's words.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from loyalty_kit.events import Customer
from loyalty_kit.ports import Settings

Wire = Mapping[str, Any]

MAX_CARD = 100
MAX_EMAIL = 254


def customer_of(body: Wire, block: Wire | None, settings: Settings) -> Customer | None:
    """Who bought: as our application says, else by the e-receipt's address and cards.

    Where the application names the member, nothing else is told: the phone of an electronic
    receipt may be that of another of the family.
    """
    if block is not None and block["customer"] is not None:
        return Customer(id=block["customer"])
    by_contact = settings["by_contact"]
    card = card_of(block["card"]) if block is not None else None
    card = card or next(_cards(body, settings), None)
    phone = phone_of(block["phone"]) if block is not None else None
    phone = phone or (phone_of(body["phone"]) if by_contact else None)
    email = email_of(body["email"]) if by_contact else None
    if card is None and phone is None and email is None:
        return None
    return Customer(card=card, phone=phone, email=email)


def _cards(body: Wire, settings: Settings) -> Iterator[str]:
    """What may be a card's number: coupons, where the owner says so, and keys of our own."""
    positions = body["positions"]
    if settings["coupon_is_card"]:
        discounts = [*(body["doc_discounts"] or ()), *(one["own"] for one in positions)]
        for discount in discounts:
            if discount is not None and (card := card_of(discount["coupon"])):
                yield card
    if settings["app_id"]:
        for position in positions:
            for key in position["extra_keys"] or ():
                if key["app_id"] == settings["app_id"] and (card := card_of(key["identity"])):
                    yield card


def phone_of(text: str | None) -> str | None:
    """E.164 of what a cashier typed, or the digits that the cloud tells; None where it is none.

    Eleven digits that begin with 8, and ten that begin with 9, are Russian.
    """
    digits = re.sub(r"[^0-9]", "", text or "")
    if len(digits) == 11 and digits[0] == "8":
        digits = f"7{digits[1:]}"
    elif len(digits) == 10 and digits[0] == "9":
        digits = f"7{digits}"
    international = len(digits) == 11 and digits[0] == "7"
    international |= 10 <= len(digits) <= 15 and (text or "").lstrip().startswith("+")
    return f"+{digits}" if international else None


def email_of(text: str | None) -> str | None:
    lowered = (text or "").lower()
    plausible = re.fullmatch(r"[^@\s]+@[^@\s]+", lowered)
    return lowered if plausible and len(lowered) <= MAX_EMAIL else None


def card_of(text: str | None) -> str | None:
    return text if text and len(text) <= MAX_CARD else None
