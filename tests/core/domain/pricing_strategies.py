"""Random baskets and rule documents with every rule type, for laws and for the reference."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from loyalty_core.domain.pricing.basket import MemberFacts
from loyalty_core.domain.rules import default_rules
from loyalty_kit.checkout import BasketLine, QuoteRequest
from loyalty_kit.events import LineKind, PurchaseLine

CATEGORIES = ("tea", "coffee", "books")
SKUS = ("A", "B", "C")

some_categories = st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=3)
percents = st.integers(1, 100).map(str)
sums = st.integers(1, 60_000).map(lambda minor: f"{minor // 100}.{minor % 100:02d}")
totals = st.one_of(st.just("0"), st.integers(0, 1000).map(str))


@st.composite
def lines(draw: st.DrawFn, floors: bool = True) -> tuple[BasketLine, ...]:
    count = draw(st.integers(1, 8))
    return tuple(draw(a_line(str(index), floors)) for index in range(count))


@st.composite
def a_line(draw: st.DrawFn, id_: str, floors: bool = True) -> BasketLine:
    """A line as a shop has it: its amount is a price times a quantity."""
    quantity = draw(st.sampled_from([1000, 1000, 2000, 3000, 7000, 350, 1234, 5]))
    price = draw(st.integers(0, 50_000))
    bare = draw(st.booleans()) or not floors
    return BasketLine(
        id=id_,
        quantity_milli=quantity,
        amount_minor=(2 * price * quantity + 1000) // 2000,
        price_minor=price,
        kind=draw(st.sampled_from([*[LineKind.GOODS] * 4, LineKind.DELIVERY])),
        sku=draw(st.sampled_from([None, *SKUS])),
        categories=tuple(draw(some_categories)),
        discountable=bare or draw(st.booleans()),
        min_price_minor=0 if bare else draw(st.integers(0, price)),
        legal_class=None if bare else draw(st.sampled_from([None, "wine", "tobacco"])),
        volume_ml=None if bare else draw(st.sampled_from([None, 200, 700])),
        strength_bp=None if bare else draw(st.sampled_from([None, 1200, 4000])),
    )


@st.composite
def goods(draw: st.DrawFn) -> dict[str, Any]:
    """Some goods in the words of a rule."""
    said: dict[str, Any] = {"categories": draw(some_categories)}
    if draw(st.integers(0, 4)) == 0:
        said["skus"] = draw(st.lists(st.sampled_from(SKUS), unique=True, max_size=2))
    if draw(st.integers(0, 4)) == 0:
        said["except_categories"] = [draw(st.sampled_from(CATEGORIES))]
    return said


def _with(**words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(goods(), st.fixed_dictionaries(words)).map(lambda pair: pair[0] | pair[1])


_POINTS = st.integers(1, 50_00).map(lambda points: f"{points // 100}.{points % 100:02d}")
_CURRENCY = st.sampled_from([None, None, "points", "miles"])
_STEPS = st.lists(
    st.fixed_dictionaries({"from": totals, "percent": percents}), min_size=1, max_size=4
)
PARAMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "percent_off": _with(
        percent=percents, of=st.sampled_from(["left", "amount"]), total_min=totals
    ),
    "sum_off": _with(sum=sums, per=st.sampled_from(["receipt", "unit"]), total_min=totals),
    "fixed_price": _with(price=sums, total_min=totals),
    "set_price": st.fixed_dictionaries(
        {
            "price": sums,
            "parts": st.lists(_with(quantity=st.integers(1, 3)), min_size=1, max_size=3),
        }
    ),
    "each_nth": _with(n=st.integers(2, 4), percent=percents, same=st.booleans(), total_min=totals),
    "scale_off": _with(by=st.sampled_from(["receipt", "spend"]), steps=_STEPS),
    "gift": _with(sku=st.just("CUP"), name=st.just("Cup"), total_min=totals),
    "benefit": _with(code=st.just("ship"), name=st.just("Ship"), total_min=totals),
    "spend_share": _with(percent=percents),
    "earn_multiplier": _with(factor=st.sampled_from(["1.5", "2", "3"])),
    "earn_points": _with(points=_POINTS, currency=_CURRENCY, total_min=totals),
    "earn_per_sum": _with(points=_POINTS, per=sums, currency=_CURRENCY),
    "earn_per_unit": _with(points=_POINTS, currency=_CURRENCY),
    "no_earn": goods(),
}
STEP = {
    "spend_share": "spend",
    "no_earn": "bar",
    **dict.fromkeys(("earn_multiplier", "earn_points", "earn_per_sum", "earn_per_unit"), "earn"),
}
"""The step of a type, as far as promotions may be kept apart: all others are discounts."""


@st.composite
def promotions(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = [draw(a_promotion(f"p{index}")) for index in range(draw(st.integers(0, 7)))]
    for one in found:
        step = STEP.get(one["type"])
        others = [
            other["id"] for other in found if other is not one and STEP.get(other["type"]) == step
        ]
        if others and draw(st.integers(0, 4)) == 0:
            one["never_with"] = [draw(st.sampled_from(others))]
    return found


@st.composite
def a_promotion(draw: st.DrawFn, id_: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(PARAMS)))
    return {
        "id": id_,
        "name": id_,
        "type": kind,
        "lane": draw(st.sampled_from(["main", "second"])),
        "priority": draw(st.integers(0, 2)),
        "group": draw(st.sampled_from([None, None, None, "g"])),
        "params": draw(PARAMS[kind]),
    }


_floors = st.fixed_dictionaries(
    {
        "price": sums,
        "of_volume_ml": st.sampled_from([None, 500]),
        "up_to_volume_ml": st.sampled_from([None, 500]),
        "strength_from": st.sampled_from([None, "28"]),
        "strength_below": st.sampled_from([None, None, "28"]),
    }
)
_tables = st.lists(
    st.fixed_dictionaries(
        {
            "class": st.sampled_from(["wine", "tobacco"]),
            "discount": st.booleans(),
            "spend": st.booleans(),
            "earn": st.booleans(),
            "floor": st.lists(_floors, max_size=2),
        }
    ),
    max_size=2,
)
_min_paid = st.lists(_with(price=st.sampled_from(["0", "0.01", "1.00"])), max_size=2)


@st.composite
def lanes(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "mode": draw(st.sampled_from(["all", "best"])),
            "once_per_line": draw(st.sampled_from([False, False, True])),
        }
        for code in ("main", "second")
    ]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    value, step = draw(st.sampled_from([("1.00", "1.00"), ("0.50", "0.02"), ("10.00", "0.10")]))
    return default_rules() | {
        "currencies": [
            {
                "code": "points",
                "name": "Points",
                "value": value,
                "rounding": draw(st.sampled_from(["down", "half_up", "none"])),
            },
            {"code": "miles", "name": "Miles", "value": "2.00"},
        ],
        "earning": {
            "percent": draw(percents),
            "base": draw(st.sampled_from(["paid", "amount", "paid_unless_spent"])),
        },
        "spending": {"limit_percent": draw(percents), "step": step},
        "lanes": draw(lanes()),
        "promotions": draw(promotions()),
        "regulated": draw(_tables),
        "policies": {"min_paid": draw(_min_paid)},
    }


def quotes(*modes: str) -> st.SearchStrategy[QuoteRequest]:
    return st.builds(
        QuoteRequest,
        lines=lines(),
        spend=st.one_of(st.none(), st.just("max"), st.integers(0, 200_000)),
        line_prices=st.sampled_from(modes or ("total", "unit")),
        explain=st.just("all"),
    )


members = st.builds(
    MemberFacts,
    known=st.just(True),
    available_points=st.integers(0, 300_000),
    may_spend=st.sampled_from([True, True, False]),
    spent_minor=st.integers(0, 100_000),
)


def bought(request: QuoteRequest, priced: Any) -> list[PurchaseLine]:
    """The purchase of a basket exactly as it was priced."""
    return [
        PurchaseLine(
            id=told.id,
            quantity_milli=asked.quantity_milli,
            amount_minor=told.amount_minor,
            paid_minor=told.payable_minor,
            discount_minor=told.discount_minor,
            spend_minor=told.spend_minor,
            kind=asked.kind,
            sku=asked.sku,
            categories=asked.categories,
            legal_class=asked.legal_class,
        )
        for asked, told in zip(request.lines, priced.lines, strict=True)
    ]
