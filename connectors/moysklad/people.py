"""Buyers of MoySklad in the hub's words.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from connectors.moysklad import schemas
from connectors.moysklad.schemas import load
from connectors.moysklad.settings import listed
from loyalty_kit.checker import compile_load
from loyalty_kit.desk import NewBuyer
from loyalty_kit.events import Customer, ExternalId
from loyalty_kit.ports import CustomerRecord, Settings, Translated

Wire = Mapping[str, Any]

_COUNTERPARTY = compile_load(schemas.Counterparty())

MAX_NAME = 500
MAX_CARD = 100
MAX_EMAIL = 254
INDIVIDUAL = "individual"
GENDERS = {"MALE": "male", "FEMALE": "female"}


def customer_of(agent: Wire | None, settings: Settings) -> Customer | None:
    """None for nobody, and for the technical buyers of sales without one."""
    if agent is None or agent["id"] in {one.lower() for one in listed(settings["anonymous"])}:
        return None
    phone, email, card = phone_of(agent["phone"]), email_of(agent["email"]), card_of(agent["card"])
    if agent["id"] is None and phone is None and email is None and card is None:
        return None
    return Customer(
        external=None if agent["id"] is None else ExternalId(None, agent["id"]),
        card=card,
        phone=phone,
        email=email,
        first_name=_first_name(agent),
        last_name=cut(agent["last_name"]),
    )


def translate_counterparty(document: Any, settings: Settings) -> Translated:
    """The record of a person; nothing of firms, of the archive and of technical buyers.

    Raises: PayloadInvalid.
    """
    told = load(_COUNTERPARTY, document)
    if told["archived"] or told["kind"] != INDIVIDUAL or customer_of(told, settings) is None:
        return ()
    new = new_buyer(told)
    return (
        CustomerRecord(
            id=told["id"],
            phone=new.phone,
            email=new.email,
            card=new.card,
            first_name=new.first_name,
            middle_name=new.middle_name,
            last_name=new.last_name,
            birth_date=new.birth_date,
            gender=new.gender,
            vouched=settings["customers"] == "staff",
        ),
    )


def new_buyer(agent: Wire) -> NewBuyer:
    return NewBuyer(
        external=agent["id"],
        phone=phone_of(agent["phone"]),
        email=email_of(agent["email"]),
        card=card_of(agent["card"]),
        first_name=_first_name(agent),
        middle_name=cut(agent["middle_name"]),
        last_name=cut(agent["last_name"]),
        birth_date=_day(agent["birth_date"]),
        gender=GENDERS.get(agent["sex"] or ""),
    )


def _first_name(agent: Wire) -> str | None:
    """The whole name stands in for its parts where none is told; it is never taken apart."""
    parts = (agent["first_name"], agent["middle_name"], agent["last_name"])
    return cut(agent["first_name"]) if any(parts) else cut(agent["name"])


def phone_of(text: str | None) -> str | None:
    """E.164 of what a cashier typed; None where it can be no phone.

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


def _day(text: str | None) -> str | None:
    """`1990-05-17 00:00:00` as a date."""
    try:
        return date.fromisoformat((text or "")[:10]).isoformat()
    except ValueError:
        return None


def cut(text: str | None) -> str | None:
    return text[:MAX_NAME].strip() if text else None
