"""Laws of the ledger, on random purchases."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine

from loyalty_kit.events import Purchase, Refund
from loyalty_kit.money import prorate
from tests.core.ledger.test_model import LONG
from tests.support.books import assert_books_add_up
from tests.support.databases import EVERY_ENGINE
from tests.support.ledger import DAY, Shop, open_programme
from tests.support.lines import back, line

pytestmark = pytest.mark.parametrize("engine", EVERY_ENGINE, indirect=True, scope="session")
LAW = settings(
    max_examples=200 if LONG else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
GOODS = st.lists(
    st.tuples(st.integers(1, 900), st.integers(1, 3), st.integers(0, 500)), min_size=1, max_size=3
)


def bought(shop: Shop, name: str, goods: list[tuple[int, int, int]]) -> Purchase:
    lines = tuple(
        line(str(number), price * pieces, pieces=pieces, spend=min(spend, price * pieces))
        for number, (price, pieces, spend) in enumerate(goods, 1)
    )
    return shop.purchase(name, lines=lines)


def portions(shop: Shop, purchase: Purchase, data: st.DataObject) -> list[Refund]:
    """Every piece of the purchase in one of up to four refunds."""
    parts: dict[int, list] = {}
    for one in purchase.lines:
        pieces = one.quantity_milli // 1000
        for paid_back in prorate(one.paid_minor, [1] * pieces):
            number = data.draw(st.integers(1, 4))
            parts.setdefault(number, []).append(back(one.id, paid_back))
    return [
        shop.refund(
            f"{purchase.external_id}-R{number}",
            sum(part.paid_back_minor for part in pieces),
            purchase=purchase.external_id,
            lines=tuple(pieces),
        )
        for number, pieces in parts.items()
    ]


@LAW
@given(one=GOODS, two=GOODS, data=st.data())
def test_ledger_26_everything_returned_in_any_portions_and_order(
    engine: Engine, one: list, two: list, data: st.DataObject
):
    """Two purchases that spend each other's points, and all refunds in any order."""
    shop = open_programme(engine)
    shop.buy("earner", 30_00, at=shop.now - DAY)
    before = shop.lots()
    sales = [bought(shop, "P1", one), bought(shop, "P2", two)]
    told = [*sales, *(refund for sale in sales for refund in portions(shop, sale, data))]
    for event in data.draw(st.permutations(told)):
        shop.tell(event)

    assert shop.lots()[: len(before)] == before
    assert {(lot["free"], lot["held"], lot["owed"]) for lot in shop.lots()[len(before) :]} <= {
        (0, 0, 0)
    }
    assert_books_add_up(shop)


@LAW
@given(goods=GOODS, data=st.data())
def test_ledger_25_a_refund_before_its_purchase_ends_the_same_as_after(
    engine: Engine, goods: list, data: st.DataObject
):
    ends = []
    for early in (False, True):
        shop = open_programme(engine)
        shop.buy("earner", 30_00, at=shop.now - DAY)
        sale = bought(shop, "P1", goods)
        if not ends:
            told = portions(shop, sale, data)[: data.draw(st.integers(1, 4))]
        for event in (*told, sale) if early else (sale, *told):
            shop.tell(event)
        ends.append((shop.figures(), shop.free()))
    assert ends[0] == ends[1]


@LAW
@given(goods=GOODS, data=st.data())
def test_ledger_25_events_told_twice_change_nothing(
    engine: Engine, goods: list, data: st.DataObject
):
    shop = open_programme(engine)
    sale = bought(shop, "P1", goods)
    told = [sale, *portions(shop, sale, data)]
    for event in told:
        shop.tell(event)
    before = shop.snapshot()
    for event in data.draw(st.permutations(told)):
        assert not shop.tell(event)[0].created
    shop.tell(*told)

    assert shop.snapshot() == before
