"""Answers in UDS's words: numbers of two places, customers, operations, errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty_kit.checkout import Quote
from loyalty_kit.desk import Buyer, Declined, Terms
from loyalty_kit.money import format_decimal
from loyalty_kit.ports import ProtocolReply

Json = dict[str, Any]
Texts = tuple[str, str]
"""Russian, English."""

ERRORS: Mapping[str, tuple[int, Texts]] = {
    "badRequest": (400, ("Запрос заполнен неверно", "The request is not as it should be")),
    "invalidChecksum": (
        400,
        (
            "Сумма, оплата и баллы не сходятся с расчётом: рассчитайте чек заново",
            "Total, cash and points do not fit: calculate the receipt again",
        ),
    ),
    "insufficientFunds": (400, ("Не хватает баллов", "There are not so many points")),
    "discountLimitExceed": (
        400,
        ("Столько баллов в этом чеке списать нельзя", "So many points may not pay this receipt"),
    ),
    "withdrawNotPermitted": (
        400,
        (
            "Чтобы списать баллы, отсканируйте карту или код покупателя",
            "To spend points, scan the buyer's card or code",
        ),
    ),
    "unauthorized": (401, ("Неверный ключ или компания", "The key or the company is wrong")),
    "forbidden": (403, ("Хаб отказал в операции", "The hub refused")),
    "notFound": (
        404,
        (
            "Не найдено: код неверен или больше не действует, или операции нет",
            "Not found: the code is wrong or over, or there is no such operation",
        ),
    ),
    "tryAgain": (503, ("Хаб недоступен, повторите позже", "The hub is away, try again later")),
    "paused": (503, ("Подключение приостановлено", "The connection is paused")),
}
_DECLINED = {
    "not_enough_points": "insufficientFunds",
    "code_required": "withdrawNotPermitted",
    "member_not_found": "notFound",
    "phone_impossible": "badRequest",
    "try_again": "tryAgain",
    "paused": "paused",
}


class Refusal(Exception):
    """The till is told no, with a code of `ERRORS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def as_refusal(declined: Declined) -> Refusal:
    return Refusal(_DECLINED.get(declined.code, "forbidden"))


def refusal_of(refusal: Refusal, language: str | None) -> ProtocolReply:
    status, (ru, en) = ERRORS[refusal.code]
    english = (language or "").strip().lower().startswith("en")
    told: Json = {"errorCode": refusal.code, "message": en if english else ru}
    if refusal.code == "badRequest":
        told["errors"] = []
    return reply(told, status)


def reply(document: Any, status: int = 200) -> ProtocolReply:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return ProtocolReply(status, headers, body.encode("utf-8", "replace"))


def number(hundredths: int) -> float:
    """Roubles, points or percents as a JSON number of two places."""
    return float(format_decimal(hundredths))


def whole_number(name: str) -> int:
    """UDS counts customers and operations by numbers; ours are made of names, and fit what every
    JSON reader keeps exactly."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:6]) + 1


# What the till is shown


def user_view(buyer: Buyer, terms: Terms) -> Json:
    """A customer as the till may know them: no phone, no address."""
    return {
        "uid": buyer.id,
        "displayName": display_name(buyer),
        "participant": {
            "id": whole_number(buyer.id),
            "inviterId": None,
            "points": number(buyer.available),
            "discountRate": 0.0,
            "cashbackRate": number(_tier(terms, buyer.tier)[0]),
            "membershipTier": tier_view(terms, buyer.tier),
        },
    }


def display_name(buyer: Buyer) -> str:
    return " ".join(part for part in (buyer.first_name, buyer.last_name) if part) or "Покупатель"


def tier_view(terms: Terms, code: str | None) -> Json:
    """The base tier has no name of its own."""
    earn, limit = _tier(terms, code)
    return {
        "uid": code or "base",
        "name": code or "base",
        "rate": number(earn),
        "maxScoresDiscount": number(limit),
    }


def _tier(terms: Terms, code: str | None) -> tuple[int, int]:
    """Percent of points earned, and percent payable with points, in hundredths."""
    named = next((one for one in terms.tiers if one.code == code), None)
    return (terms.earn_bp, terms.limit_bp) if named is None else (named.earn_bp, named.limit_bp)


def purchase_view(quote: Quote, receipt: Mapping[str, Any], most: int, limit_bp: int) -> Json:
    """`PurchaseCalc`; `most` are the points that may be spent."""
    totals = quote.totals
    net = totals.discount_minor + totals.spend_minor

    def percent(minor: int) -> float:
        amount = totals.amount_minor
        return number((minor * 10_000 * 2 + amount) // (amount * 2)) if amount else 0.0

    return {
        "maxPoints": number(most),
        "total": number(totals.amount_minor),
        "skipLoyaltyTotal": number(receipt["skip"] or 0),
        "unredeemableTotal": number(receipt["unredeemable"] or 0),
        "discountAmount": number(totals.discount_minor),
        "discountPercent": percent(totals.discount_minor),
        "points": number(quote.points.spend),
        "pointsPercent": percent(totals.spend_minor),
        "netDiscount": number(net),
        "netDiscountPercent": percent(net),
        "certificatePoints": 0.0,
        "cash": number(totals.payable_minor),
        "cashTotal": number(totals.payable_minor),
        "cashBack": number(quote.points.earn if quote.member is not None else 0),
        "extras": {"delivery": 0.0},
        "maxScoresDiscount": number(limit_bp),
    }


def operation_view(name: int, state: str, at: datetime, **more: Any) -> Json:
    return {
        "id": name,
        "dateCreated": at.isoformat(timespec="seconds"),
        "action": "PURCHASE",
        "state": state,
        "customer": None,
        "cashier": None,
        "branch": None,
        "receiptNumber": None,
        "origin": None,
        **more,
    }
