"""Polling: rounds, long rounds, cursors that are forgotten, and what comes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.evotor import CONNECTOR, check
from connectors.evotor.catalogue import Catalogue
from connectors.evotor.client import Evotor, make_client, vendors_pause_s
from connectors.evotor.pull import Pull
from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    Gone,
    PayloadInvalid,
    RateLimited,
    RemoteMisconfigured,
)
from loyalty_kit.ports import CataloguePage, ClientContext, Hint
from tests.connectors.evotor.shared import STORE, settings
from tests.stand_ins.evotor import Call, Cloud
from tests.support.clock import FixedClock

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
NORTH = "20250101-BBBB-4001-8001-000000005002"


def name(number: int) -> str:
    return f"c0000000-0000-4000-8000-{number:012}"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
def cloud(clock: FixedClock) -> Iterator[Cloud]:
    with Cloud(clock=clock.now, page_size=3) as opened:
        opened.open_store(STORE)
        yield opened


def client_for(cloud: Cloud, **changes: str) -> Evotor:
    return make_client(ClientContext(settings(cloud.base_url, **changes), True, "i_1"))


def sold(cloud: Cloud, number: int, *, closed: datetime | None = None, store: str = STORE) -> None:
    moment = cloud.moment() if closed is None else closed.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    cloud.put(store, {"id": name(number), "type": "SELL", "close_date": moment})


def round_of(cloud: Cloud, cursor: str | None, now: datetime) -> tuple[list[str], str]:
    """All that one round brings, each page by a client that knows nothing of the others."""
    found: list[str] = []
    more = True
    while more:
        page = Pull().page(client_for(cloud), cursor, now)
        found += [hint.id.rpartition("/")[2] for hint in page.hints]
        cursor, more = page.cursor, page.more
    assert cursor is not None
    return found, cursor


def test_rounds_bring_each_document_once(cloud: Cloud, clock: FixedClock):
    for number in range(7):
        sold(cloud, number)
    cloud.put(STORE, {"id": name(50), "type": "X_REPORT", "close_date": cloud.moment()})
    first, cursor = round_of(cloud, None, clock.now())
    assert first == [name(number) for number in range(7)]
    for _ in range(3):
        clock.advance(minutes=10)
        again, cursor = round_of(cloud, cursor, clock.now())
        assert again == []
    sold(cloud, 8)
    clock.advance(minutes=10)
    assert round_of(cloud, cursor, clock.now())[0] == [name(8)]


@pytest.mark.parametrize("since_by", ["close_date", "created_at"])
def test_what_comes_days_late_is_found_within_a_day(cloud: Cloud, clock: FixedClock, since_by: str):
    """Whatever `since` looks at: no document of the vendor's says."""
    cloud.since_by = since_by
    sold(cloud, 1)
    _, cursor = round_of(cloud, None, clock.now())
    clock.advance(days=3)
    _, cursor = round_of(cloud, cursor, clock.now())
    sold(cloud, 2, closed=START + timedelta(minutes=5))
    found: list[str] = []
    for _ in range(3):
        clock.advance(hours=12)
        more, cursor = round_of(cloud, cursor, clock.now())
        found += more
    assert found == [name(2)]


def test_documents_that_come_while_pages_are_read_are_in_this_round_or_the_next(
    cloud: Cloud, clock: FixedClock
):
    for number in range(7):
        sold(cloud, number)

    def meanwhile(call: Call) -> None:
        if call.path.endswith("/documents") and name(20) not in cloud.documents[STORE]:
            clock.advance(seconds=1)
            sold(cloud, 20)

    cloud.between_calls = meanwhile
    first, cursor = round_of(cloud, None, clock.now())
    clock.advance(minutes=10)
    second, _ = round_of(cloud, cursor, clock.now())
    assert sorted(first + second) == [name(number) for number in (*range(7), 20)]


def test_a_cursor_that_the_cloud_has_forgotten_begins_the_series_again(
    cloud: Cloud, clock: FixedClock
):
    for number in range(7):
        sold(cloud, number)
    page = Pull().page(client_for(cloud), None, clock.now())
    cloud.forgets_cursors = True
    over = Pull().page(client_for(cloud), page.cursor, clock.now())
    assert (over.hints, over.more) == ((), False)
    cloud.forgets_cursors = False
    clock.advance(minutes=10)
    rest, _ = round_of(cloud, over.cursor, clock.now())
    assert rest == [name(number) for number in range(3, 7)]


def test_every_shop_has_its_turn_and_the_first_round_goes_back_as_far_as_the_owner_said(
    cloud: Cloud, clock: FixedClock
):
    cloud.open_store(NORTH)
    sold(cloud, 1)
    clock.advance(days=20)
    sold(cloud, 2)
    sold(cloud, 3, store=NORTH)
    found, _ = round_of(cloud, None, clock.now())
    assert sorted(found) == [name(2), name(3)]


def test_a_shop_that_is_gone_keeps_no_other_from_its_turn(cloud: Cloud, clock: FixedClock):
    cloud.open_store(NORTH)
    cloud.closed = {STORE}
    sold(cloud, 1, store=NORTH)
    first, cursor = round_of(cloud, None, clock.now())
    clock.advance(minutes=10)
    sold(cloud, 2, store=NORTH)
    second, cursor = round_of(cloud, cursor, clock.now())
    assert (first, second) == ([name(1)], [name(2)])
    # Where the address itself is wrong, the owner has to hear of it.
    cloud.fail_next("404-html")
    with pytest.raises(RemoteMisconfigured):
        round_of(cloud, json.dumps({"waiting": [STORE], "tracks": {}}), clock.now())
    # It was away for a while only: what it sold meanwhile is found.
    cloud.closed = set()
    sold(cloud, 3)
    clock.advance(minutes=10)
    assert round_of(cloud, cursor, clock.now())[0] == [name(3)]


def test_other_feeds_ask_nothing(cloud: Cloud, clock: FixedClock):
    page = Pull().page(client_for(cloud, feed="documents", cloud_token=""), None, clock.now())
    assert (page.hints, page.more) == ((), False)
    assert cloud.calls == []
    assert Pull().recheck(client_for(cloud), (Hint("document", "x"),)) == ()


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"waiting": [], "tracks": {"x": 1}}'])
def test_a_cursor_of_somebody_else_is_refused(cloud: Cloud, cursor: str):
    with pytest.raises(PayloadInvalid):
        Pull().page(client_for(cloud), cursor, START)
    with pytest.raises(PayloadInvalid):
        Catalogue().page(client_for(cloud), cursor or "x")


# The client


def test_the_older_header_is_tried_once_and_remembered(cloud: Cloud):
    cloud.header = "x"
    client = client_for(cloud)
    assert client.stores() == client.stores() == cloud.stores
    assert len(cloud.calls) == 3
    with pytest.raises(CredentialsRejected):
        client_for(cloud, auth_header="bearer").stores()
    cloud.token = "another"
    with pytest.raises(CredentialsRejected, match="1003"):
        client_for(cloud).stores()
    with pytest.raises(CredentialsRejected, match="install the application"):
        client_for(cloud, cloud_token="").stores()


def test_a_document_is_gone_only_where_evotor_says_so(cloud: Cloud):
    with pytest.raises(Gone):
        client_for(cloud).document(STORE, name(1))
    cloud.fail_next("404-html")
    with pytest.raises(RemoteMisconfigured):
        client_for(cloud).document(STORE, name(1))
    fetch = CONNECTOR.fetch
    assert fetch is not None
    for strange in (f"{STORE}/../x", "x", f"{STORE}/", "/a/b", "../x", f"{STORE}/.."):
        with pytest.raises(Gone):
            fetch.read(client_for(cloud), Hint("document", strange))
    assert len(cloud.calls) == 2


def test_pauses_are_seconds_or_a_time(cloud: Cloud, clock: FixedClock):
    for trouble, pause_s in (("429", 7.0), ("429-epoch", 40.0)):
        cloud.fail_next(trouble, times=3)
        with pytest.raises(RateLimited) as limited:
            client_for(cloud).stores()
        assert limited.value.retry_after_s == pause_s
        cloud.troubles.clear()
    date = {"Date": "Sat, 14 Mar 2026 09:00:00 GMT"}
    told = {"Retry-After": "3", "X-RateLimit-Reset": "9"}
    assert vendors_pause_s(told) == 3.0
    assert vendors_pause_s({"X-RateLimit-Reset": str(int(START.timestamp()) - 5), **date}) == 0.0
    assert vendors_pause_s({"X-RateLimit-Reset": str(int(START.timestamp()) + 5)}) == 0.0
    assert vendors_pause_s({"X-RateLimit-Reset": "soon"}) == 0.0


def test_the_button_reads_shops_and_documents(cloud: Cloud):
    check(client_for(cloud))
    assert [call.path for call in cloud.calls] == ["/stores", f"/stores/{STORE}/documents"]
    check(client_for(cloud, feed="receipts", cloud_token=""))
    cloud.token = "another"
    with pytest.raises(ConnectorError):
        check(client_for(cloud))


# The catalogue


def test_groups_then_products_of_each_shop(cloud: Cloud):
    cloud.open_store(NORTH)
    group = {"id": name(1), "name": "Кофе", "parent_id": None}
    inside = {"id": name(2), "name": "Зерно", "parent_id": name(1)}
    cloud.goods[(STORE, "product-groups")] = [group, inside]
    cloud.goods[(STORE, "products")] = [
        {"id": name(10 + n), "name": f"Кофе {n}", "parent_id": name(2), "price": 10.5 + n}
        for n in range(4)
    ]
    tobacco = {"id": name(30), "name": None, "code": "7", "type": "TOBACCO_MARKED"}
    cloud.goods[(NORTH, "products")] = [tobacco]

    pages: list[CataloguePage] = []
    while not pages or pages[-1].next_cursor is not None:
        cursor = pages[-1].next_cursor if pages else None
        pages.append(Catalogue().page(client_for(cloud), cursor))

    categories = [(one.code, one.parent) for page in pages for one in page.categories]
    assert categories == [(name(1), None), (name(2), name(1))]
    products = {one.sku: one for page in pages for one in page.products}
    assert len(products) == 5
    assert (products[name(11)].price_minor, products[name(11)].categories) == (1150, (name(2),))
    assert (products[name(30)].name, products[name(30)].legal_class) == ("7", "tobacco")
