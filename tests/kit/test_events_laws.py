"""Laws of the wire form: round trips, rubbish, and the hash of what an event says."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from loyalty_kit.events import (
    Customer,
    ExternalId,
    FiscalSign,
    LineKind,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
    RefundLine,
)
from loyalty_kit.events_schema import (
    content_hash,
    dump_event,
    dump_refund,
    load_event,
    load_purchase,
    load_refund,
)
from loyalty_kit.testing.builders import a_line, a_purchase, a_refund, a_refund_line
from tests.support.contract import PURCHASE, REFUND

TIMES = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2198, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)
WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20
)
MONEY = st.integers(0, 10**12)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def purchase_lines(draw: st.DrawFn, number: int) -> PurchaseLine:
    discount, spend, paid = draw(MONEY), draw(MONEY), draw(MONEY)
    told_apart = draw(st.booleans())
    return PurchaseLine(
        id=str(number),
        quantity_milli=draw(st.integers(0, 10**9)),
        amount_minor=discount + spend + paid,
        paid_minor=paid,
        discount_minor=discount if told_apart else None,
        spend_minor=spend if told_apart else None,
        reduction_minor=None if told_apart else discount + spend,
        kind=draw(st.sampled_from(LineKind)),
        sku=draw(optional(WORDS)),
        price_minor=draw(optional(MONEY)),
        categories=draw(optional(st.lists(WORDS, max_size=3).map(tuple))),
        legal_class=draw(optional(WORDS)),
    )


CUSTOMERS = st.builds(
    Customer,
    id=optional(WORDS),
    external=optional(st.builds(ExternalId, system=optional(WORDS), id=WORDS)),
    phone=optional(WORDS),
    verified=st.booleans(),
)
REFUND_LINES = st.builds(
    RefundLine,
    id=optional(WORDS),
    paid_back_minor=MONEY,
    quantity_milli=optional(st.integers(0, 10**9)),
    sku=optional(WORDS),
)
REFUNDS = st.builds(
    Refund,
    external_id=WORDS,
    occurred_at=TIMES,
    amount_minor=MONEY,
    revision=st.integers(1, 2**53 - 1),
    fiscal=optional(st.builds(FiscalSign, fn=WORDS, fd=WORDS, fp=WORDS)),
    customer=optional(CUSTOMERS),
    lines=st.lists(REFUND_LINES, max_size=3).map(tuple),
    reason=optional(WORDS),
)


@st.composite
def purchases(draw: st.DrawFn) -> Purchase:
    lines = tuple(draw(purchase_lines(number)) for number in range(draw(st.integers(0, 3))))
    listed = st.lists(REFUNDS, max_size=2, unique_by=lambda refund: refund.external_id).map(tuple)
    return Purchase(
        external_id=draw(WORDS),
        occurred_at=draw(TIMES),
        lines=lines,
        revision=draw(st.integers(1, 2**53 - 1)),
        status=draw(st.sampled_from(PurchaseStatus)),
        order=draw(optional(WORDS)),
        customer=draw(optional(CUSTOMERS)),
        points_spent=draw(optional(MONEY)),
        coupons=tuple(draw(st.lists(WORDS, max_size=2))),
        payments=tuple(draw(st.lists(st.builds(Payment, WORDS, MONEY), max_size=2))),
        refunds=draw(optional(listed)),
    )


@given(purchases() | REFUNDS)
def test_what_was_dumped_loads_to_the_same(event: Purchase | Refund) -> None:
    assert load_event(dump_event(event)) == event


RUBBISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(RUBBISH)
def test_rubbish_raises_only_a_validation_error(rubbish: Any) -> None:
    for load in (load_purchase, load_refund, load_event):
        with pytest.raises(ValidationError):
            load(rubbish)


@given(st.sampled_from([PURCHASE, REFUND]), st.data(), RUBBISH)
def test_rubbish_in_one_place_raises_only_a_validation_error(
    good: dict[str, Any], data: st.DataObject, rubbish: Any
) -> None:
    spoiled = copy.deepcopy(good)
    target = data.draw(st.sampled_from([spoiled, spoiled["lines"][0]]))
    target[data.draw(st.sampled_from(sorted(target)))] = rubbish
    load = load_purchase if good is PURCHASE else load_refund

    with suppress(ValidationError):
        load(spoiled)


def test_events_of_another_version_or_type_are_refused() -> None:
    with pytest.raises(ValidationError):
        load_event({**dump_event(a_purchase()), "version": 2})
    with pytest.raises(ValidationError):
        load_event({**dump_event(a_purchase()), "type": "sale"})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(a_purchase(), a_purchase(revision=7), True, id="revision"),
        pytest.param(
            a_purchase(),
            a_purchase(occurred_at=datetime(2026, 3, 14, 15, 42, tzinfo=UTC)),
            True,
            id="one instant, two offsets",
        ),
        pytest.param(
            a_purchase(refunds=(a_refund(external_id="1"), a_refund(external_id="2"))),
            a_purchase(refunds=(a_refund(external_id="2", revision=3), a_refund(external_id="1"))),
            True,
            id="listed refunds in another order and revision",
        ),
        pytest.param(a_purchase(paid="10"), a_purchase(paid="10.01"), False, id="money"),
        pytest.param(a_purchase(), a_purchase(refunds=()), False, id="said none"),
        pytest.param(a_purchase(), a_purchase(customer=None), False, id="customer"),
        pytest.param(a_refund(), a_refund("100.00", a_refund_line()), False, id="refund lines"),
        pytest.param(
            a_purchase(a_line(discount="10")), a_purchase(a_line(reduction="10")), False, id="split"
        ),
    ],
)
def test_content_hash(one: Any, other: Any, same: bool) -> None:
    assert (content_hash(one) == content_hash(other)) is same


def test_a_dumped_refund_is_the_wire_form() -> None:
    refund = a_refund("129.10", a_refund_line("129.10"))

    assert dump_refund(refund) == {
        "external_id": "r-1",
        "revision": 1,
        "purchase": "p-1",
        "currency": "RUB",
        "occurred_at": "2026-03-16T11:05:00+03:00",
        "amount": "129.10",
        "lines": [{"id": "1", "quantity": "1", "paid_back": "129.10"}],
    }
