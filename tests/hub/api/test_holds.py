"""Holds over HTTP: promised, shown, named, let go."""

from __future__ import annotations

import pytest

from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import code_of

ANNA_AT_TILL = {"phone": ANNA, "verified": True}


@pytest.fixture
def rich(shop):
    """Anna has 500 points."""
    shop.post("/purchases", a_purchase(lines=[a_line(amount="10000.00", paid="10000.00")]))
    return shop


def balance(shop) -> dict[str, str]:
    return shop.get("/members?phone=%2B79161234567").get_json()["items"][0]["balance"]


def test_a_hold_sets_points_aside_and_a_purchase_takes_them(rich):
    held = rich.post("/holds", a_basket(cart="c-1", member=ANNA_AT_TILL, spend="100.00"))

    assert held.status_code == 201
    hold = held.get_json()
    assert hold["quote"]["totals"]["payable"] == "900.00"
    assert hold["expires_at"] == "2026-03-14T12:30:00+00:00"
    assert balance(rich)["held"] == "100.00"
    assert balance(rich)["available"] == "400.00"

    bought = rich.post(
        "/purchases",
        a_purchase(
            external_id="p-2",
            hold=hold["id"],
            lines=[a_line(spend="100.00", paid="900.00")],
            points_spent="100.00",
        ),
    )
    assert bought.get_json()["points"]["spent"] == "100.00"
    assert balance(rich)["held"] == "0.00"
    assert balance(rich)["available"] == "445.00"
    assert rich.get(f"/holds/{hold['id']}").get_json()["state"] == "captured"
    assert code_of(rich.delete(f"/holds/{hold['id']}")) == (409, "hold_captured")


def test_a_hold_is_let_go_once_and_again(rich):
    hold = rich.post("/holds", a_basket(cart="c-1", member=ANNA_AT_TILL, spend="100.00")).get_json()

    for _ in range(2):
        answer = rich.delete(f"/holds/{hold['id']}")
        assert (answer.status_code, answer.get_data()) == (204, b"")
    assert balance(rich)["available"] == "500.00"


def test_a_hold_is_given_its_order(rich):
    hold = rich.post("/holds", a_basket(cart="c-1")).get_json()

    named = rich.patch(f"/holds/{hold['id']}", {"order": "A-1042"})

    assert named.status_code == 200
    assert named.get_json()["order"] == "A-1042"
    assert rich.get(f"/holds/{hold['id']}").get_json()["order"] == "A-1042"


def test_what_was_not_expected_is_not_promised(rich):
    wanted = a_basket(cart="c-1", member=ANNA_AT_TILL)

    changed = rich.post("/holds", {**wanted, "expect": {"payable": "999.00", "spend": "0.00"}})
    too_much = rich.post("/holds", {**wanted, "spend": "501.00"})

    assert code_of(changed) == (409, "price_changed")
    assert code_of(too_much) == (409, "not_enough_points")
    assert balance(rich)["available"] == "500.00"
