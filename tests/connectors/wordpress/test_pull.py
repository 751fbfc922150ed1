"""Polling a shop over a real socket: every change is found once, whatever happens meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.wordpress import CONNECTOR
from connectors.wordpress.client import WooClient
from loyalty_kit.errors import PayloadInvalid, RemoteUnavailable
from loyalty_kit.ports import ClientContext, Hint, PullPage
from tests.connectors.wordpress.shared import settings
from tests.stand_ins.woocommerce import WooShop

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shop(clock):
    with WooShop(clock=clock) as running:
        yield running


def order(number: int, status: str = "completed") -> dict[str, Any]:
    return {"id": number, "status": status, "date_created_gmt": "2026-11-22T11:00:00"}


def client(shop: WooShop, **changes: Any) -> WooClient:
    assert CONNECTOR.make_client is not None
    given = settings(shop.base_url, **changes)
    made = CONNECTOR.make_client(ClientContext(given, allow_private=True, installation="i_1"))
    assert isinstance(made, WooClient)
    return made


def page(woo: WooClient, cursor: str | None) -> PullPage:
    assert CONNECTOR.pull is not None
    return CONNECTOR.pull.page(woo, cursor, NOON)


def pulled(woo: WooClient, cursor: str | None = None) -> tuple[list[int], str]:
    """One whole round: ids in the order they came, and the cursor for the next."""
    found: list[int] = []
    more = True
    while more:
        answer = page(woo, cursor)
        found += [int(hint.id) for hint in answer.hints]
        assert {hint.kind for hint in answer.hints} <= {"order"}
        cursor, more = answer.cursor, answer.more
    assert cursor is not None
    return found, cursor


def test_each_change_is_found_once(shop, clock):
    woo = client(shop)
    shop.put_order(order(1))
    clock.pass_by(seconds=1)
    shop.put_order(order(2))

    found, cursor = pulled(woo)
    assert found == [1, 2]

    found, cursor = pulled(woo, cursor)
    assert found == []

    clock.pass_by(seconds=1)
    shop.change_order(1, status="refunded")
    found, cursor = pulled(woo, cursor)
    assert found == [1]


def test_a_second_change_within_the_second_that_was_polled_is_found(shop, clock):
    woo = client(shop)
    shop.put_order(order(1, "pending"))
    shop.put_order(order(2, "checkout-draft"))
    found, cursor = pulled(woo)
    assert found == [1]

    shop.change_order(1, status="processing")
    shop.change_order(2, status="processing")
    found, cursor = pulled(woo, cursor)
    assert found == [1, 2]
    assert pulled(woo, cursor)[0] == []


def test_a_cursor_that_knows_dates_alone_goes_on(shop, clock):
    """As cursors were before."""
    woo = client(shop)
    shop.put_order(order(1))
    _, cursor = pulled(woo)
    kept = json.loads(cursor)
    kept["any"]["seen"] = {name: told.split()[0] for name, told in kept["any"]["seen"].items()}
    found, cursor = pulled(woo, json.dumps(kept))
    assert found == [1]
    assert pulled(woo, cursor)[0] == []


def test_trap_24_asks_in_the_one_form_that_is_answered_right(shop):
    pulled(client(shop))

    asked = [call.query for call in shop.calls]
    assert [each["status"] for each in asked] == ["any", "trash"]
    assert {each["modified_after"] for each in asked} == {"2026-11-21T11:58:00"}
    assert {each["dates_are_gmt"] for each in asked} == {"true"}
    assert {(each["orderby"], each["order"]) for each in asked} == {("modified", "asc")}


def test_an_order_stored_late_is_found_within_two_minutes(shop, clock):
    woo = client(shop)
    shop.put_order(order(1))
    _, cursor = pulled(woo)
    late = (NOON - timedelta(seconds=119)).replace(tzinfo=None).isoformat()
    shop.put_order(order(2), date_modified_gmt=late)

    found, _ = pulled(woo, cursor)

    assert found == [2]


def test_the_first_round_goes_back_as_many_days_as_the_owner_says(shop):
    for days in (0, 2, 9):
        at = (NOON - timedelta(days=days)).replace(tzinfo=None).isoformat()
        shop.put_order(order(days + 1), date_modified_gmt=at)

    assert pulled(client(shop, backfill_days="0"))[0] == [1]
    assert pulled(client(shop, backfill_days="3"))[0] == [3, 1]


def test_trashed_and_restored_orders_are_found(shop, clock):
    woo = client(shop)
    shop.put_order(order(1))
    _, cursor = pulled(woo)

    clock.pass_by(minutes=10)
    shop.trash(1)
    found, cursor = pulled(woo, cursor)
    assert found == [1]

    clock.pass_by(minutes=10)
    shop.restore(1)
    found, cursor = pulled(woo, cursor)
    assert found == [1]


def test_trap_4_drafts_are_passed_over(shop, clock):
    woo = client(shop)
    shop.put_order(order(1, "checkout-draft"))
    found, cursor = pulled(woo)
    assert found == []

    clock.pass_by(seconds=1)
    shop.change_order(1, status="processing")
    assert pulled(woo, cursor)[0] == [1]


def test_many_orders_are_read_to_the_last(shop, clock):
    for number in range(1, 251):
        shop.put_order(order(number))
        clock.pass_by(seconds=7)

    found, cursor = pulled(client(shop))

    assert sorted(set(found)) == list(range(1, 251))
    assert len(json.loads(cursor)["any"]["seen"]) < 30
    assert pulled(client(shop), cursor)[0] == []


def test_more_than_a_page_of_orders_of_one_second_are_read_to_the_last(shop):
    """A bulk edit in the shop's list of orders dates them all alike."""
    for number in range(1, 251):
        shop.put_order(order(number))

    found, cursor = pulled(client(shop))

    assert sorted(set(found)) == list(range(1, 251))
    assert pulled(client(shop), cursor)[0] == []


def test_an_order_changed_between_pages_pushes_no_other_out(shop, clock):
    for number in range(1, 151):
        shop.put_order(order(number))
        clock.pass_by(seconds=7)
    woo = client(shop)
    first = page(woo, None)
    # By page numbers order 101 would now stand on page 1, which has been read.
    shop.change_order(1)

    rest, _ = pulled(woo, first.cursor)

    assert {int(hint.id) for hint in first.hints} | set(rest) == set(range(1, 151))
    assert rest[-1] == 1


def test_polling_goes_on_from_a_saved_cursor_after_a_failure(shop, clock):
    for number in range(1, 151):
        shop.put_order(order(number))
        clock.pass_by(seconds=7)
    woo = client(shop)
    first = page(woo, None)
    shop.fail_next("500")
    with pytest.raises(RemoteUnavailable):
        page(woo, first.cursor)

    rest, _ = pulled(woo, first.cursor)

    assert rest == list(range(101, 151))


@pytest.mark.parametrize("cursor", ["", "x", "[]", "{}", '{"list": "any"}', "7"])
def test_a_cursor_that_is_not_ours_is_refused(shop, cursor):
    with pytest.raises(PayloadInvalid):
        page(client(shop), cursor)


# Changes without a trace


def rechecked(shop: WooShop, known: list[Hint]) -> list[Hint]:
    assert CONNECTOR.pull is not None
    return list(CONNECTOR.pull.recheck(client(shop), tuple(known)))


def test_up_to_a_hundred_orders_are_all_read_again(shop):
    shop.put_order(order(1))
    known = [Hint("order", "1"), Hint("order", "2"), Hint("product", "3")]

    assert rechecked(shop, known) == known[:2]


def test_trap_7_of_many_orders_those_come_back_that_are_gone(shop):
    for number in range(1, 231):
        shop.put_order(order(number))
    shop.force_delete(7)
    shop.force_delete(207)
    shop.trash(30)

    found = rechecked(shop, [Hint("order", str(number)) for number in range(1, 231)])

    assert found == [Hint("order", "7"), Hint("order", "30"), Hint("order", "207")]
    assert len(shop.calls) == 3
