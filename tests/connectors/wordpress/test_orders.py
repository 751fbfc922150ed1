"""What orders mean: status, time and buyer, beyond what the recorded cases hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.wordpress.translate import translate_order
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.events import ExternalId, PurchaseStatus
from loyalty_kit.events_schema import content_hash
from loyalty_kit.ports import Hint
from tests.connectors.wordpress.made import order, purchase, translated
from tests.connectors.wordpress.shared import SEVEN, context

PAID, OPEN, CANCELLED = PurchaseStatus.PAID, PurchaseStatus.OPEN, PurchaseStatus.CANCELLED


@pytest.mark.parametrize(
    ("status", "by_default", "only_completed"),
    [
        ("pending", OPEN, OPEN),
        ("on-hold", OPEN, OPEN),
        ("processing", PAID, OPEN),
        ("completed", PAID, PAID),
        ("refunded", PAID, PAID),
        ("cancelled", CANCELLED, CANCELLED),
        ("failed", CANCELLED, CANCELLED),
        ("trash", CANCELLED, CANCELLED),
        ("checkout-draft", None, None),
        ("auto-draft", None, None),
        ("shipped", None, None),
    ],
)
def test_statuses(status, by_default, only_completed):
    def meant(within):
        return [found.status for found in translated(order(status=status), within=within)]

    assert meant(context()) == ([by_default] if by_default else [])
    wanted = [only_completed] if only_completed else []
    assert meant(context(earning_statuses="completed")) == wanted


def test_completed_earns_though_only_processing_was_chosen():
    assert purchase(order(), within=context(earning_statuses="processing")).status is PAID


@pytest.mark.parametrize("named", ["shipped", "wc-shipped", "packed, shipped"])
def test_a_status_of_a_plugin_earns_if_the_owner_says_so(named):
    within = context(more_earning_statuses=named)
    assert purchase(order(status="shipped"), within=within).status is PAID


def test_an_owner_who_tidies_up_keeps_deleted_orders():
    within = context(deleted_cancels="false")

    assert translated(order(status="trash"), within=within) == ()
    gone = {"gone": True, "currency": "RUB"}
    assert translate_order(Hint("order", "44"), gone, within) == ()


def test_trap_28_a_status_that_goes_back_and_forth_says_the_same_each_time():
    there = purchase(order(status="completed"), within=context(revision=1))
    back = purchase(order(status="processing"), within=context(revision=2))
    again = purchase(order(status="completed"), within=context(revision=3))

    assert content_hash(there) == content_hash(again) == content_hash(back)
    assert (there.revision, again.revision) == (1, 3)


def test_traps_10_and_11_what_only_the_shop_cares_for_changes_nothing():
    noop = purchase(order("noop_update__1__order_updated"))
    meta = purchase(order("meta_only_update__1__order_updated"))
    three = purchase(order("three_updates_before_queue_run__1__order_updated"))

    assert content_hash(noop) == content_hash(meta) == content_hash(three)


# When

CREATED = datetime(2026, 11, 22, 6, 28, 20, tzinfo=UTC)
PAID_AT = datetime(2026, 11, 22, 6, 28, 22, tzinfo=UTC)
LATER = "2026-11-25T09:00:00"


@pytest.mark.parametrize(
    ("method", "paid", "earning", "occurred_at"),
    [
        pytest.param("bacs", "2026-11-22T06:28:22", "processing,completed", PAID_AT, id="paid"),
        pytest.param("bacs", None, "processing,completed", CREATED, id="not paid yet"),
        pytest.param("cod", None, "processing,completed", CREATED, id="trap 16: on delivery"),
        pytest.param("cod", LATER, "processing,completed", CREATED, id="delivered: no jump"),
        pytest.param(
            "cod", LATER, "completed", datetime(2026, 11, 25, 9, tzinfo=UTC),
            id="delivered, earns only then",
        ),
        pytest.param("courier", LATER, "processing,completed", CREATED, id="another such method"),
    ],
)  # fmt: skip
def test_when_it_happened(method, paid, earning, occurred_at):
    document = order(payment_method=method, date_paid_gmt=paid)
    within = context(earning_statuses=earning, on_delivery_methods="cod, courier")

    assert purchase(document, within=within).occurred_at == occurred_at


def test_an_order_without_any_date_happened_when_it_was_received():
    document = order(date_paid_gmt=None, date_created_gmt=None)
    assert purchase(document).occurred_at == SEVEN


@pytest.mark.parametrize("text", ["2026-11-22T06:28:20Z", "yesterday", "9999-01-01T00:00:00", 1])
def test_other_times_are_refused(text):
    with pytest.raises(PayloadInvalid):
        translated(order(date_created_gmt=text))


# Who


def billed(**billing: Any) -> dict[str, Any]:
    empty = {"first_name": "", "last_name": "", "phone": "", "email": ""}
    return {**empty, **billing}


def test_trap_17_a_guest_with_a_phone_is_not_verified():
    found = purchase(order(customer_id=0, billing=billed(phone="+7 900 000-00-01")))

    assert found.customer is not None
    assert found.customer.external is None
    assert found.customer.verified is False
    assert found.customer.phone == "+7 900 000-00-01"


def test_an_account_is_verified_and_named_by_its_id():
    found = purchase(order(customer_id=2, billing=billed()))

    assert found.customer is not None
    assert found.customer.external == ExternalId(None, "2")
    assert found.customer.verified is True
    assert found.customer.email is None


def test_a_guest_who_left_nothing_is_nobody():
    assert purchase(order(customer_id=0, billing=billed(first_name="Анна"))).customer is None
    assert purchase(order(customer_id=0, billing={})).customer is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+7 (900) 000-00-01", True),
        ("8 900 000 00 01", True),
        ("9000000001", True),
        ("+375 29 123-45-67", True),
        ("нет", False),
        ("123", False),
        ("8 900 000-00-01, 8 900 000-00-02", False),
    ],
)
def test_trap_18_phones_are_passed_on_as_typed_or_not_at_all(typed, kept):
    found = purchase(order(billing=billed(phone=typed)))
    assert found.customer is not None
    assert found.customer.phone == (typed if kept else None)


@pytest.mark.parametrize(
    ("typed", "kept"), [("Anna@Example.COM", "anna@example.com"), ("anna", None), ("a b@c.d", None)]
)
def test_emails_are_lower_cased_or_left_out(typed, kept):
    found = purchase(order(billing=billed(email=typed)))
    assert found.customer is not None
    assert found.customer.email == kept


@pytest.mark.parametrize(
    ("value", "card"),
    [
        ("2900000000017", "2900000000017"),
        (2900000000017, "2900000000017"),
        ("", None),
        (None, None),
        (True, None),
        (["2900000000017"], None),
        ({"a": 1}, None),
        ("x" * 101, None),
        ("29\x00", None),
    ],
)
def test_trap_26_meta_values_are_of_any_type(value, card):
    meta = [{"id": 1, "key": "loyalty_card", "value": value}, {"id": 2}]
    found = purchase(order(meta_data=meta))
    assert found.customer is not None
    assert found.customer.card == card


def test_nothing_but_the_time_of_receipt_comes_from_outside_the_document():
    late = context(received_at=SEVEN + timedelta(days=3))
    assert purchase(order(), within=late) == purchase(order())
