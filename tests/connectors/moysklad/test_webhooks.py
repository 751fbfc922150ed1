"""What comes to the doors: hints of MoySklad, and what the till posts."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from connectors.moysklad.documents import Documents
from connectors.moysklad.routes import EVENTS, RETURN, SALE
from connectors.moysklad.translate import posted_id, shop_of
from loyalty_kit.errors import Gone, NotOurs, PayloadInvalid, Unreadable
from loyalty_kit.events import Purchase
from loyalty_kit.ports import Hint, InboundRequest
from tests.connectors.moysklad.shared import ANNA, CHEESE, STORE, case, context, posted, settings


def event(kind: object, href: object, action: str = "UPDATE") -> dict[str, object]:
    return {"meta": {"type": kind, "href": href}, "action": action}


def told(*events: object) -> InboundRequest:
    return posted({"events": list(events)})


def test_kinds_that_are_not_ours_are_dropped_and_do_not_hide_ours():
    stranger = event("counterparty", f"https://moysklad.example/entity/counterparty/{ANNA}")
    ours = event("product", f"https://moysklad.example/entity/product/{CHEESE}")

    assert EVENTS.translate(told(stranger, ours, ours), context()) == (Hint("product", CHEESE),)
    for only in ((), (stranger,)):
        with pytest.raises(NotOurs):
            EVENTS.translate(told(*only), context())


@pytest.mark.parametrize(
    "bad", [event("product", ""), event("product", 5), event([], f"/{CHEESE}"), {"meta": {}}, 5]
)
def test_an_event_of_nothing_is_invalid(bad: object):
    with pytest.raises(PayloadInvalid):
        EVENTS.translate(told(bad), context())


def test_repeats_keep_their_key_and_other_calls_have_their_own():
    body = b'{"events": []}'
    one, other = (InboundRequest({}, body, {"requestId": name}) for name in "ab")
    assert EVENTS.delivery_key(one) == EVENTS.delivery_key(one) != EVENTS.delivery_key(other)
    with pytest.raises(Unreadable):
        EVENTS.delivery_key(InboundRequest({}, b"", {"requestId": "a"}))


def test_a_sale_with_other_content_is_another_delivery():
    sale = case("sale_with_points")["body"]
    changed = {**sale, "cashSum": 1}
    assert SALE.delivery_key(posted(sale)) == SALE.delivery_key(posted(sale))
    assert SALE.delivery_key(posted(sale)) != SALE.delivery_key(posted(changed))
    for nothing in ([], "x", None):
        with pytest.raises(Unreadable):
            RETURN.delivery_key(posted(nothing))


def test_a_sale_whose_id_the_till_left_empty_is_known_by_what_it_is():
    sale = {**case("sale_with_points")["body"], "meta": {"href": "", "id": ""}}
    again = {**sale, "cashSum": 5}
    other = {**sale, "name": "00188"}

    assert posted_id(sale).startswith("unnamed-")
    assert posted_id(sale) == posted_id(again) != posted_id(other)


def test_a_sale_of_no_points_names_no_cart():
    sale = case("sale_with_points")["body"]
    (spending,) = SALE.translate(posted(sale), context())
    (earning,) = SALE.translate(posted({**sale, "bonusProgram": None}), context())

    assert isinstance(spending, Purchase)
    assert isinstance(earning, Purchase)
    assert (spending.points_spent, spending.cart) == (27000, f"till:{STORE}:{ANNA}")
    assert (earning.points_spent, earning.cart) == (0, None)


def test_retail_points_are_shops_of_the_hub():
    told = settings(shop="main", shops=f" {STORE.upper()} = north , {ANNA}=south")
    assert [shop_of(one, told) for one in (STORE, ANNA, CHEESE, None)] == [
        "north",
        "south",
        "main",
        "main",
    ]


def test_times_are_of_the_zone_that_the_owner_said():
    sale = case("sale_with_points")["body"]
    (purchase,) = SALE.translate(posted(sale), context(timezone="Asia/Omsk"))
    assert isinstance(purchase, Purchase)
    assert purchase.occurred_at.isoformat() == "2026-03-14T18:42:00+06:00"


def test_what_is_not_ours_is_not_read():
    documents = Documents()
    with pytest.raises(Gone):
        documents.read(None, Hint("product", "../../x"))
    with pytest.raises(NotOurs):
        documents.read(None, Hint("employee", ANNA))
    with pytest.raises(NotOurs):
        documents.translate(Hint("employee", ANNA), {}, context())


@pytest.mark.parametrize(
    ("name", "value"),
    [("timezone", "Mars/Base"), ("timezone", "../etc"), ("shops", "x"), ("shops", "=a"),
     ("sales", "invoice"), ("token_kind", "none"), ("backfill_days", "400")],
)  # fmt: skip
def test_forms_that_are_wrong(name: str, value: str):
    with pytest.raises(ValidationError) as refused:
        settings(**{name: value})
    assert list(refused.value.messages_dict) == [name]
