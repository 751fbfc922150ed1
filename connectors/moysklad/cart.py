"""`POST /retaildemand/recalc`: the cart comes without discounts and goes with all of them.

Books nothing.  The till sends no id of the cart and may ask any number of times.  A cart that
spends is promised by a hold of ten minutes, one for a buyer at a retail point: it only lowers
what other channels may spend, and each replaces the last.  Where the buyer is to confirm with a
code, it lowers nothing until `/retaildemand/verify` asks for the code, and has its ten minutes
from then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.moysklad import schemas
from connectors.moysklad.catalogue import NO_DISCOUNT, least_price_of
from connectors.moysklad.lines import line_at
from connectors.moysklad.people import customer_of
from connectors.moysklad.schemas import load
from connectors.moysklad.till_words import number_of, points_text
from connectors.moysklad.translate import cart_of, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.checkout import (
    BasketLine,
    HoldRequest,
    MemberView,
    PricedLine,
    Quote,
    QuoteRequest,
    Spend,
)
from loyalty_kit.desk import Declined, Desk
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import Customer
from loyalty_kit.frozen import frozen
from loyalty_kit.money import divide
from loyalty_kit.ports import Settings

Wire = Mapping[str, Any]

HOLD_S = 600
SPENDING = "SPENDING"
PHONE_IMPOSSIBLE = "phone_impossible"
"""What is typed into a buyer's card stops no sale."""
ECHOED = ("assortment", "quantity", "price", "sn", "pack")

_RECALC = compile_load(schemas.Recalc())


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote, whether the till has to ask for a code, and why nothing is spent."""

    quote: Quote
    needs_code: bool = False
    note: str | None = None


@frozen
class Line:
    """A position of the answer, in kopecks and hundredths of a percent."""

    percent_bp: int
    discounted_minor: int
    given_up_minor: int = 0


def recalculated(document: Any, desk: Desk, settings: Settings) -> dict[str, Any]:
    """The cart with its discounts, as the till takes it.

    Raises: PayloadInvalid, Declined.
    """
    told = load(_RECALC, document)
    request = _request(told, desk, settings)
    try:
        priced = _priced(request, told, desk, settings)
    except Declined as declined:
        member = request.member
        if declined.code != PHONE_IMPOSSIBLE or member is None:
            raise
        known = replace(member, phone=None) if any((member.external, member.card)) else None
        priced = _priced(replace(request, member=known), told, desk, settings)
    return _answer(document, told, priced, settings)


def _priced(request: QuoteRequest, told: Wire, desk: Desk, settings: Settings) -> Priced | None:
    """None for an empty cart.  Raises: Declined."""
    if not request.lines:
        _let_go(request, desk)
        return None
    spending = told["bonus"] is not None and told["bonus"]["kind"] == SPENDING
    if spending and request.member is not None:
        priced = _spending(request, told["wish"], desk, settings)
    else:
        priced = Priced(desk.quote(request))
    if not priced.quote.points.spend and _may_hold(priced.quote.member):
        _let_go(request, desk)
    return priced


def _may_hold(member: MemberView | None) -> bool:
    """A quote tells balances of those alone whom somebody vouches for."""
    return member is not None and (member.balance is None or member.balance.held > 0)


def _let_go(request: QuoteRequest, desk: Desk) -> None:
    """Nothing is spent any more, so nothing is set aside; else its time lets it go."""
    if request.cart is None:
        return
    try:
        desk.release(request.cart, shop=request.shop)
    except Declined:
        return


def _request(told: Wire, desk: Desk, settings: Settings) -> QuoteRequest:
    """Raises: PayloadInvalid, Declined."""
    positions = told["positions"] or ()
    skus = {one["assortment"] for one in positions if one["assortment"] is not None}
    marks = _marks(skus, desk)
    customer = customer_of(told["agent"], settings)
    external = None if customer is None or customer.external is None else customer.external.id
    lines = tuple(_line(place, one, marks) for place, one in enumerate(positions, start=1))
    return QuoteRequest(
        lines=lines,
        shop=shop_of(told["store"], settings),
        channel="pos",
        cart=cart_of(external, told["store"]),
        member=customer,
        line_prices="unit",
    )


def _marks(skus: set[str], desk: Desk) -> Mapping[str, tuple[str, ...]]:
    """Where the catalogue cannot be asked now, no line is lowered: one of them may be barred."""
    try:
        return desk.marks(skus) if skus else {}
    except Declined:
        return dict.fromkeys(skus, (NO_DISCOUNT,))


def _line(place: int, position: Wire, marks: Mapping[str, tuple[str, ...]]) -> BasketLine:
    """Raises: PayloadInvalid."""
    sku = position["assortment"]
    if not position["quantity"]:
        raise PayloadInvalid("a position without a quantity")
    own = marks.get(sku or "", ())
    return BasketLine(
        id=str(place),
        sku=sku,
        quantity_milli=position["quantity"],
        price_minor=position["price"],
        amount_minor=line_at(position["price"], position["quantity"]),
        # What the catalogue cannot be asked about is not lowered: its card may forbid it.
        discountable=sku is not None and NO_DISCOUNT not in own,
        min_price_minor=least_price_of(own),
    )


def _spending(request: QuoteRequest, wish: int | None, desk: Desk, settings: Settings) -> Priced:
    """Raises: Declined."""
    spend: Spend = "max" if wish is None else wish
    quote = desk.quote(replace(request, spend=spend))
    needs_code = quote.points.code_required
    if needs_code:
        if not settings["codes_to_till"]:
            return Priced(desk.quote(request), note="Списание без кода закрыто программой")
        assert request.member is not None
        known = desk.buyer(request.member)
        if known is None:
            return Priced(desk.quote(request))
        # The till lets nobody pay before the code is right.
        request = replace(request, member=Customer(id=known.id, verified=True))
        quote = desk.quote(replace(request, spend=spend))
    if quote.degraded or not quote.points.spend or request.cart is None:
        return Priced(desk.quote(request), note="Списать баллы сейчас нельзя")
    if spend != "max":
        spend = min(spend or 0, quote.points.spend_max)
    try:
        # With a code, points are set aside once the buyer is asked for it.
        wanted = HoldRequest(replace(request, spend=spend), HOLD_S, set_aside=not needs_code)
        held = desk.hold(wanted)
    except Declined:
        return Priced(desk.quote(request), note="Списать баллы сейчас нельзя")
    return Priced(held, needs_code)


# The answer


def _answer(
    document: Wire, told: Wire, priced: Priced | None, settings: Settings
) -> dict[str, Any]:
    lines = [] if priced is None else _lines(told, priced.quote.lines, settings)
    asked = document.get("positions") or []
    answer: dict[str, Any] = {
        "positions": [_position(one, line) for one, line in zip(asked, lines, strict=True)]
    }
    if "agent" in document:
        answer["agent"] = document["agent"]
    kind = (told["bonus"] or {}).get("kind") or "EARNING"
    answer["bonusProgram"] = {"transactionType": kind, **_bonus(priced, lines)}
    answer["needVerification"] = priced is not None and priced.needs_code
    return answer


def _lines(told: Wire, priced: Sequence[PricedLine], settings: Settings) -> list[Line]:
    by_percent = settings["till_reads"] == "percent"
    return [
        reckoned(position, line, by_percent=by_percent)
        for position, line in zip(told["positions"] or (), priced, strict=True)
    ]


def reckoned(position: Wire, line: PricedLine, *, by_percent: bool) -> Line:
    """The price of a unit, and the percent nearest to it; or a percent, rounded down, and the
    price that follows from it: what rounding adds to the line is given up."""
    price, unit = position["price"], line.unit_price_minor
    if unit is None or line.payable_minor >= line.amount_minor or not price:
        return Line(0, price)
    if not by_percent:
        return Line(divide((price - unit) * 10_000, price, "half_up"), unit)
    percent_bp = max(0, (price - unit) * 10_000 // price)
    discounted = divide(price * (10_000 - percent_bp), 10_000, "half_up")
    paid = line_at(discounted, position["quantity"])
    return Line(percent_bp, discounted, max(0, paid - line.payable_minor))


def _position(asked: Any, line: Line) -> dict[str, Any]:
    told = {name: asked[name] for name in ECHOED if name in asked}
    return {
        **told,
        "discountPercent": number_of(line.percent_bp),
        "discountedPrice": number_of(line.discounted_minor),
    }


def _bonus(priced: Priced | None, lines: Sequence[Line]) -> dict[str, Any]:
    if priced is None:
        return _figures(0, 0, 0, 0, None)
    quote = priced.quote
    balance = None if quote.member is None else quote.member.balance
    owned = 0 if balance is None else balance.available + balance.held
    given_up = sum(line.given_up_minor for line in lines)
    money = max(0, quote.totals.spend_minor - given_up)
    spent = quote.points.spend
    if given_up and quote.totals.spend_minor:
        spent = divide(spent * money, quote.totals.spend_minor, "half_up")
    return _figures(owned, spent, money, quote.points.earn, priced.note)


def _figures(owned: int, spent: int, money: int, earned: int, note: str | None) -> dict[str, Any]:
    after = owned - spent + earned
    said = [f"списано {points_text(spent)}"] if spent else []
    said += [f"начислено {points_text(earned)}"] if earned else []
    rows = [", ".join(said).capitalize(), f"Остаток {points_text(max(0, after))}", note or ""]
    return {
        "agentBonusBalance": number_of(owned),
        "bonusValueToSpend": number_of(spent),
        "bonusValueToEarn": number_of(earned),
        "agentBonusBalanceAfter": number_of(after),
        "paidByBonusPoints": number_of(money),
        "receiptExtraInfo": "\n".join(row for row in rows if row),
    }
