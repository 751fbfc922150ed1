"""Polling: what changed, what went into the bin, and what changes while pages are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.moysklad.catalogue import Catalogue, translate_goods
from connectors.moysklad.pull import Pull
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import CataloguePage, Hint
from tests.connectors.moysklad.shared import CHEESE
from tests.connectors.moysklad.test_client import client_for
from tests.stand_ins.moysklad import Account, Call
from tests.support.clock import FixedClock

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)


def name(number: int) -> str:
    return f"7777{number:04}-1fb1-11f1-0a80-0b6300000187"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def account(clock: FixedClock) -> Iterator[Account]:
    with Account(clock=clock.now) as opened:
        yield opened


def round_of(account: Account, cursor: str | None, now: datetime) -> tuple[list[Hint], str]:
    """All that one round brings, each page by a client that knows nothing of the others."""
    hints: list[Hint] = []
    more = True
    while more:
        page = Pull().page(client_for(account.base_url), cursor, now)
        hints += page.hints
        cursor, more = page.cursor, page.more
    assert cursor is not None
    return hints, cursor


def test_rounds_bring_what_changed_since_the_last(account: Account, clock: FixedClock):
    account.put("retaildemand", {"id": name(1)})
    account.put("salesreturn", {"id": name(2)})
    account.put("customerorder", {"id": name(3)})
    first, cursor = round_of(account, None, clock.now())
    assert first == [Hint("retaildemand", name(1)), Hint("salesreturn", name(2))]

    idle, cursor = round_of(account, cursor, clock.now())
    assert idle == []

    clock.advance(minutes=30)
    account.put("retaildemand", account.objects["retaildemand"][name(1)])
    account.bin("salesreturn", name(2))
    again, cursor = round_of(account, cursor, clock.now())
    assert again == [Hint("retaildemand", name(1)), Hint("salesreturn", name(2))]
    assert round_of(account, cursor, clock.now())[0] == []


def test_returns_of_shipments_are_found_where_orders_count(account: Account, clock: FixedClock):
    account.put("customerorder", {"id": name(1)})
    account.put("demand", {"id": name(2)})
    account.put("salesreturn", {"id": name(3)})
    page, found = None, []
    while page is None or page.more:
        client = client_for(account.base_url, sales="retaildemand,customerorder")
        page = Pull().page(client, None if page is None else page.cursor, clock.now())
        found += page.hints
    assert found == [Hint("customerorder", name(1)), Hint("salesreturn", name(3))]


def test_the_first_round_goes_back_as_far_as_the_owner_said(account: Account, clock: FixedClock):
    account.put("retaildemand", {"id": name(1)})
    clock.advance(days=2)
    assert round_of(account, None, clock.now())[0] == []


@pytest.mark.parametrize(("at_once", "read"), [(True, 1), (True, 2), (True, 3), (False, 1)])
def test_what_changes_while_pages_are_read_pushes_nothing_out(
    account: Account, clock: FixedClock, at_once: bool, read: int
):
    """250 sales; the first of them is saved again after so many pages were read."""
    for number in range(250):
        account.put("retaildemand", {"id": name(number)})
        if not at_once:
            clock.advance(seconds=1)
    pages = 0

    def save_again(call: Call) -> None:
        nonlocal pages
        if call.path == "/entity/retaildemand" and "isDeleted" not in call.query["filter"]:
            pages += 1
            if pages == read:
                clock.advance(seconds=1)
                account.put("retaildemand", account.objects["retaildemand"][name(0)])

    account.between_calls = save_again
    hints, _ = round_of(account, None, clock.now())

    assert {hint.id for hint in hints} == {name(number) for number in range(250)}
    assert sum(hint.id == name(0) for hint in hints) == 2


def test_what_is_in_no_list_any_more_was_deleted_for_ever(account: Account):
    for number in range(150):
        account.put("retaildemand", {"id": name(number)})
    account.bin("retaildemand", name(1))
    account.delete_for_ever("retaildemand", name(2))
    known = (Hint("product", CHEESE), *(Hint("retaildemand", name(one)) for one in range(150)))

    assert Pull().recheck(client_for(account.base_url), known) == (Hint("retaildemand", name(2)),)


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"list": 1, "tracks": {"x": 1}}'])
def test_a_cursor_of_somebody_else_is_refused(account: Account, cursor: str):
    with pytest.raises(PayloadInvalid):
        Pull().page(client_for(account.base_url), cursor, START)


def test_a_list_that_the_settings_leave_out_by_now_is_passed_over(
    account: Account, clock: FixedClock
):
    wide = client_for(account.base_url, sales="demand,retaildemand")
    cursor = Pull().page(wide, None, clock.now()).cursor
    account.put("demand", {"id": name(1)})
    narrow = client_for(account.base_url, sales="demand")
    assert Pull().page(narrow, cursor, clock.now()).hints == (Hint("demand", name(1)),)


# The catalogue


def all_pages(account: Account) -> list[CataloguePage]:
    pages, cursor = [], None
    while not pages or cursor is not None:
        pages.append(Catalogue().page(client_for(account.base_url), cursor))
        cursor = pages[-1].next_cursor
    return pages


def test_folders_then_every_kind_of_article(account: Account):
    dairy, cheeses = name(1), name(2)
    account.put("productfolder", {"id": dairy, "name": "Молочное"})
    inside = {"meta": {"href": account.href("productfolder", dairy)}}
    account.put("productfolder", {"id": cheeses, "name": "Сыры", "productFolder": inside})
    folder = {"meta": {"href": account.href("productfolder", cheeses)}}
    account.put("product", {"id": CHEESE, "name": "Сыр", "productFolder": folder})
    of_cheese = {"meta": {"href": account.href("product", CHEESE)}}
    account.put("variant", {"id": name(3), "name": "Сыр (копчёный)", "product": of_cheese})
    account.put("service", {"id": name(4), "name": "Доставка"})
    account.put("bundle", {"id": name(5), "name": "Набор", "archived": True})
    for number in range(100, 220):
        account.put("product", {"id": name(number), "name": f"Товар {number}"})

    pages = all_pages(account)

    assert [(one.code, one.parent) for one in pages[0].categories] == [
        (dairy, None),
        (cheeses, dairy),
    ]
    products = {one.sku: one for page in pages for one in page.products}
    assert len(products) == 123
    assert products[name(3)].categories == products[CHEESE].categories == (cheeses,)
    assert products[name(4)].categories == ()


@pytest.mark.parametrize("cursor", ["x", "product:", "product:x", "product:-1", "folder:0"])
def test_a_cursor_that_is_not_the_catalogue_s(account: Account, cursor: str):
    with pytest.raises(PayloadInvalid):
        Catalogue().page(client_for(account.base_url), cursor)


def test_an_archived_article_is_no_row():
    assert translate_goods({"id": CHEESE, "name": "Сыр", "archived": True}) == ()


def test_the_round_begins_a_little_before_the_newest(account: Account, clock: FixedClock):
    """A document may be stored after one that is dated later."""
    account.put("retaildemand", {"id": name(1)})
    _, cursor = round_of(account, None, clock.now())
    late = (clock.now() - timedelta(minutes=9)).astimezone(UTC) + timedelta(hours=3)
    account.put("retaildemand", {"id": name(2)}, updated=f"{late:%Y-%m-%d %H:%M:%S}.000")

    assert round_of(account, cursor, clock.now())[0] == [Hint("retaildemand", name(2))]
