"""The rules pack: whether it is the hub's and still good, and what it gives without a line."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.evotor.terminal.receipt import KOPECK, ZERO, Offer, Position, Receipt, kopecks

FORM = 1
HUNDRED = Decimal(100)


class Untrusted(Exception):
    """A pack that the hub did not sign, or that this application does not understand."""


def opened(sent: Mapping[str, str], public_key: str) -> Mapping[str, Any]:
    """The pack, whose signature was checked over its very text.  Raises: Untrusted."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(sent["signature"], validate=True), sent["pack"].encode())
        pack = json.loads(sent["pack"])
    except (InvalidSignature, binascii.Error, KeyError, ValueError, AttributeError) as error:
        raise Untrusted(type(error).__name__) from None
    if not isinstance(pack, dict) or pack.get("form") != FORM:
        raise Untrusted("another form")
    return pack


def is_good(pack: Mapping[str, Any], now: datetime) -> bool:
    begins, ends = (datetime.fromisoformat(pack[name]) for name in ("issuedAt", "validUntil"))
    return begins <= now < ends


def reckoned(
    pack: Mapping[str, Any],
    receipt: Receipt,
    *,
    customer: Mapping[str, Any] | None,
    wish: Decimal,
    left: Decimal,
) -> Offer:
    """What a receipt earns, and what of `wish` points it is paid with.

    `customer` is what the hub last told of the buyer: without it nothing is spent, since the
    balance is not known.  `left` is what the owner's limit leaves this buyer.
    """
    barred = set(pack["barredTypes"])
    goods = [one for one in receipt.positions if one.type not in barred]
    tier = _tier(pack, None if customer is None else customer.get("tier"))
    spent = ZERO
    if customer is not None and wish > 0:
        balance = Decimal(str(customer["balance"]))
        most = _most(pack, goods, Decimal(tier["spendPercent"]))
        spent = _stepped(min(wish, left, balance, most), pack["spend"])
    off = _shares(spent * Decimal(pack["pointValue"]), goods, Decimal(pack["leastPrice"]))
    earned = _earned(pack, goods, off, Decimal(tier["earnPercent"]), spent)
    block: dict[str, Any] = {"v": 1, "spent": str(spent)}
    if spent:
        block["discount"] = str(sum(off.values(), ZERO))
    if customer is not None:
        block["customer"] = customer["customerId"]
    else:
        scanned = {name: receipt.who[name] for name in ("card", "phone") if receipt.who.get(name)}
        block |= scanned or ({"card": receipt.who["code"]} if receipt.who.get("code") else {})
    known = customer is not None or bool(receipt.who)
    told = earned if known else ZERO
    return Offer(off, block, spent=spent, earned=told, alone=True, pack=pack["id"])


def _tier(pack: Mapping[str, Any], code: Any) -> Mapping[str, str]:
    plain = {
        "earnPercent": pack["earn"]["percent"],
        "spendPercent": pack["spend"]["percent"],
    }
    return next((one for one in pack["tiers"] if one["code"] == code), plain)


def _most(pack: Mapping[str, Any], goods: Sequence[Position], percent: Decimal) -> Decimal:
    """Points that these goods may be paid with."""
    total = sum((one.amount for one in goods), ZERO)
    room = sum(_rooms(goods, Decimal(pack["leastPrice"])), ZERO)
    share = (total * percent / HUNDRED).quantize(KOPECK, ROUND_DOWN)
    return min(share, room) / Decimal(pack["pointValue"])


def _stepped(points: Decimal, spend: Mapping[str, str]) -> Decimal:
    step = Decimal(spend["step"])
    whole = (max(points, ZERO) // step) * step
    return whole if whole >= Decimal(spend["least"]) else ZERO


def _rooms(goods: Sequence[Position], least: Decimal) -> list[Decimal]:
    """What may be taken off each line."""
    floors = (kopecks(min(one.price, least) * one.quantity) for one in goods)
    return [max(ZERO, one.amount - floor) for one, floor in zip(goods, floors, strict=True)]


def _shares(money: Decimal, goods: Sequence[Position], least: Decimal) -> dict[str, Decimal]:
    """The money over lines by largest remainder; its parts add up to it."""
    money = money.quantize(KOPECK, ROUND_DOWN)
    rooms = _rooms(goods, least)
    total = sum(rooms, ZERO)
    if not money or not total:
        return {}
    exact = [money * room / total for room in rooms]
    parts = [one.quantize(KOPECK, ROUND_DOWN) for one in exact]
    missing = int((money - sum(parts, ZERO)) / KOPECK)
    by_rest = sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])
    for place in by_rest[:missing]:
        parts[place] += KOPECK
    return {one.uuid: part for one, part in zip(goods, parts, strict=True)}


def _earned(
    pack: Mapping[str, Any],
    goods: Sequence[Position],
    off: Mapping[str, Decimal],
    percent: Decimal,
    spent: Decimal,
) -> Decimal:
    earn = pack["earn"]
    base = sum((one.amount for one in goods), ZERO)
    if earn["base"] != "amount":
        base -= sum(off.values(), ZERO)
    if earn["base"] == "paid_unless_spent" and spent:
        base = ZERO
    exact = base * percent / HUNDRED / Decimal(pack["pointValue"])
    if earn["rounding"] == "none":
        return kopecks(exact)
    way = ROUND_HALF_UP if earn["rounding"] == "half_up" else ROUND_DOWN
    return exact.quantize(Decimal(1), way)
