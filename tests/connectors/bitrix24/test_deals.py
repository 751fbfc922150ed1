"""Deals where they are what counts: won, lost, in work again, by rows or by their amount."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.bitrix24.routes import EVENTS
from connectors.bitrix24.translate import translate_document
from loyalty_kit.errors import NotOurs, PayloadInvalid
from loyalty_kit.events import Purchase, PurchaseStatus
from loyalty_kit.ports import SECRET_HEADER, Hint, InboundRequest
from tests.connectors.bitrix24.shared import HOOK, context
from tests.stand_ins.bitrix24 import Account

HINT = Hint("deal", "7405")
ROWS = [
    {"id": 11, "productId": 456, "productName": "Чай", "price": 393, "quantity": 3},
    {"id": "12", "productId": 0, "productName": "Доставка", "price": 300.5, "quantity": "1"},
]


def deal(**more: Any) -> dict[str, Any]:
    return {
        "id": 7405, "title": "Чай для офиса", "stageSemanticId": "S", "categoryId": 0,
        "opportunity": 1479.5, "currencyId": "RUB", "contactId": 6,
        "createdTime": "2026-03-14T14:31:02+03:00", "movedTime": "2026-03-15T10:00:00+03:00",
        **more,
    }  # fmt: skip


def bought(rows: list[Any] = ROWS, funnels: str = "", **more: Any) -> Purchase:
    (told,) = translate_document(
        HINT,
        {"deal": deal(**more), "rows": rows, "contact": {"id": "6", "name": "Анна"}},
        context(purchases="won_deals", funnels=funnels),
    )
    return told


def test_a_deal_that_is_won_is_a_purchase_of_its_rows():
    one = bought()
    assert (one.external_id, one.status) == ("deal:7405", PurchaseStatus.PAID)
    assert one.occurred_at.isoformat() == "2026-03-15T10:00:00+03:00"
    assert one.customer.external.id == "6"
    assert [(line.id, line.sku, line.amount_minor, line.paid_minor) for line in one.lines] == [
        ("11", "b24-456", 117900, 117900),
        ("12", None, 30050, 30050),
    ]
    assert one.refunds == ()


@pytest.mark.parametrize(
    ("semantics", "status"), [("P", PurchaseStatus.OPEN), ("F", PurchaseStatus.CANCELLED)]
)
def test_a_deal_that_is_not_won_or_not_any_more_books_nothing(semantics, status):
    assert bought(stageSemanticId=semantics).status is status


def test_a_deal_without_goods_is_its_amount():
    (line,) = bought(rows=[]).lines
    assert (line.id, line.paid_minor, line.name) == ("deal", 147950, "Чай для офиса")
    assert bought(rows=[], opportunity=0).lines == ()


def test_a_price_with_parts_of_a_kopeck_is_multiplied_as_it_is():
    screws = {"id": 13, "productId": 513, "price": 0.125, "quantity": 1000}
    set_of_three = {"id": 14, "productId": 514, "price": 33.3333, "quantity": 3}
    lines = bought(rows=[screws, set_of_three], opportunity=225).lines
    assert [(line.price_minor, line.paid_minor) for line in lines] == [(13, 12500), (3333, 10000)]


def test_only_the_chosen_funnels_count():
    moved = bought(funnels="3, 5")
    assert (moved.external_id, moved.status) == ("deal:7405", PurchaseStatus.CANCELLED)
    assert (moved.customer, moved.lines, moved.refunds) == (None, (), ())
    assert bought(funnels="3, 0").status is PurchaseStatus.PAID


def test_orders_do_not_count_where_deals_do():
    with pytest.raises(NotOurs):
        translate_document(Hint("order", "1"), {}, context(purchases="won_deals"))


@pytest.mark.parametrize("wrong", [{"stageSemanticId": "X"}, {"opportunity": "many"}, {"id": 0}])
def test_a_deal_that_is_none_is_told_to_the_owner(wrong):
    with pytest.raises(PayloadInvalid):
        bought(**wrong)


def test_two_rows_of_one_id_are_no_deal():
    with pytest.raises(PayloadInvalid, match="one id"):
        bought(rows=[ROWS[0], ROWS[0]])


@pytest.mark.parametrize("event", ["ONCRMDEALUPDATE", "onCrmDealDelete"])
def test_events_of_deals_hint_at_them(event):
    call = InboundRequest({SECRET_HEADER: HOOK}, Account().event(event, 7405), {})
    EVENTS.verify(call, context().settings)
    assert EVENTS.translate(call, context(purchases="won_deals")) == (HINT,)
