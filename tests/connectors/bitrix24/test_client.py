"""Calls to a portal: what each refusal becomes, their pace, pages, fields, and what is logged."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.bitrix24 import CONNECTOR, check
from connectors.bitrix24 import client as calls
from connectors.bitrix24.balances import Balances
from connectors.bitrix24.documents import Documents
from connectors.bitrix24.pull import Pull
from loyalty_kit.checkout import ShownBalance, TierView
from loyalty_kit.errors import (
    CredentialsRejected,
    Gone,
    PayloadInvalid,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.ports import Hint
from loyalty_kit.testing.remote import Reply, json_reply
from tests.connectors.bitrix24.shared import client
from tests.stand_ins.bitrix24 import BUSY, CLOSED, CODE, CONTACTS, LONG, Account

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
EARLIER = "2026-03-20T11:00:00+00:00"


@pytest.fixture
def account(monkeypatch) -> Iterator[Account]:
    monkeypatch.setattr(calls, "PER_S", 1000.0)
    with Account() as opened:
        yield opened


def error(status: int, code: object, description: str = "") -> Reply:
    told = {"error": code, "error_description": description}
    return json_reply(json.dumps(told).encode(), status)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (LONG, RateLimited),
        (CLOSED, RemoteMisconfigured),
        (error(503, "OVERLOAD_LIMIT"), RemoteMisconfigured),
        (error(500, "INTERNAL_SERVER_ERROR"), RemoteUnavailable),
        (error(401, "NO_AUTH_FOUND"), CredentialsRejected),
        (error(403, "insufficient_scope"), CredentialsRejected),
        (error(400, ""), RemoteMisconfigured),
        (error(400, 201240400001, "order does not exist"), Gone),
        (error(400, "NOT_FOUND"), Gone),
        (error(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"), RemoteMisconfigured),
        (error(404, "ERROR_METHOD_NOT_FOUND", "It does not exist"), RemoteMisconfigured),
        (error(404, "", "Page not found"), RemoteMisconfigured),
        (error(405, 0), RemoteMisconfigured),
        (json_reply(b"[]"), RemoteMisconfigured),
        (json_reply(b'{"result": []}'), RemoteMisconfigured),
    ],
)
def test_each_refusal_becomes_what_the_hub_can_do_about_it(account, reply, kind):
    account.troubles = [reply] * 3
    with pytest.raises(kind):
        client(account.base_url).one("sale.order.get", "order", {"id": 1})


def test_a_list_or_a_method_that_is_not_there_is_no_document_that_is_gone(account):
    portal = client(account.base_url)
    account.troubles = [error(400, 200540400001, "order does not exist")]
    with pytest.raises(RemoteMisconfigured):
        portal.rows("sale.order.list", "orders", {"filter": {}})
    account.troubles = [error(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")]
    with pytest.raises(RemoteMisconfigured):
        Documents().read(portal, Hint("order", "9"))


def test_a_full_bucket_asks_for_a_pause(account):
    account.troubles = [BUSY] * 3
    with pytest.raises(RateLimited) as told:
        client(account.base_url).call("sale.order.get", {"id": 1})
    assert told.value.retry_after_s == 60


def test_calls_to_one_portal_are_no_faster_than_its_bucket_drains():
    started = time.monotonic()
    with Account() as opened:
        for _ in range(3):  # a client each, as each job makes one
            client(opened.base_url).rows("sale.order.list", "orders", {"filter": {}})
    # Two a second: the third begins a second after the first.
    assert time.monotonic() - started >= 0.99


def test_the_code_of_the_webhook_is_in_no_log(account, caplog):
    caplog.set_level(logging.DEBUG)
    client(account.base_url).rows("sale.order.list", "orders", {"filter": {}})
    assert "/rest/12/[redacted]/sale.order.list.json" in caplog.text
    assert CODE not in caplog.text


def test_rows_beyond_a_page_are_read_and_contacts_that_are_gone_are_passed_over(account):
    account.items[2, 7] = {"id": 7, "contactId": 5}
    account.rows[7] = [{"id": number} for number in range(1, 101)]
    read = Documents().read(client(account.base_url, purchases="won_deals"), Hint("deal", "7"))
    assert [row["id"] for row in read["rows"]] == list(range(1, 101))
    assert read["contact"] is None
    assert Documents().read(client(account.base_url), Hint("order", "9")) == {"gone": True}


def test_an_idle_portal_gives_no_hints_and_a_changed_order_gives_one(account):
    for number in range(1, 61):
        account.orders[number] = {"id": str(number), "dateUpdate": EARLIER}
    portal, pull = client(account.base_url), Pull()

    def round_of(cursor: str | None, now: datetime) -> tuple[list[str], str]:
        found: list[str] = []
        while True:
            page = pull.page(portal, cursor, now)
            found += [hint.id for hint in page.hints]
            cursor = page.cursor
            if not page.more:
                return found, cursor

    found, cursor = round_of(None, NOW)
    assert found == [str(number) for number in range(1, 61)]
    found, cursor = round_of(cursor, NOW + timedelta(minutes=10))
    assert found == []
    # Saved a moment before the round began that did not show it.
    account.orders[7]["dateUpdate"] = (NOW + timedelta(minutes=9)).isoformat()
    found, cursor = round_of(cursor, NOW + timedelta(minutes=20))
    assert found == ["7"]
    assert round_of(cursor, NOW + timedelta(minutes=30))[0] == []
    with pytest.raises(PayloadInvalid):
        pull.page(portal, "{}", NOW)


@pytest.mark.parametrize("ahead", [timedelta(minutes=50), timedelta(minutes=-50)])
def test_an_order_is_found_where_the_clocks_of_hub_and_portal_differ(account, ahead):
    portal, pull = client(account.base_url), Pull()
    cursor = pull.page(portal, None, NOW + ahead).cursor
    account.orders[7] = {"id": 7, "dateUpdate": (NOW + timedelta(minutes=5)).isoformat()}
    found: list[Hint] = []
    for minutes in (10, 20, 60, 70, 130):
        page = pull.page(portal, cursor, NOW + ahead + timedelta(minutes=minutes))
        found += page.hints
        cursor = page.cursor
    assert found == [Hint("order", "7")]


def test_a_cursor_keeps_no_more_than_the_orders_of_the_overlap(account):
    for number in range(1, 121):
        account.orders[number] = {"id": number, "dateUpdate": "2026-03-19T11:00:00+00:00"}
    for number in (30, 90):
        account.orders[number]["dateUpdate"] = "2026-03-20T11:30:00+00:00"
    portal, pull = client(account.base_url), Pull()
    first = pull.page(portal, None, NOW)
    second = pull.page(portal, first.cursor, NOW)
    third = pull.page(portal, second.cursor, NOW)
    kept = [list(json.loads(page.cursor)["seen"]) for page in (first, second, third)]
    assert [len(page.hints) for page in (first, second, third)] == [50, 50, 20]
    assert kept == [["30"], ["30", "90"], ["30", "90"]]


def test_deleted_orders_are_found_among_those_that_are_known(account):
    for number in range(1, 61):
        account.orders[number] = {"id": number, "dateUpdate": EARLIER}
    del account.orders[7], account.orders[58]
    known = tuple(Hint("order", str(number)) for number in range(1, 61))
    missing = Pull().recheck(client(account.base_url), (*known, Hint("deal", "1")))
    assert missing == (Hint("order", "7"), Hint("order", "58"))


def test_balances_and_tiers_are_written_to_fields_that_the_test_makes_once(account):
    account.items[CONTACTS, 6] = {"id": 6}
    portal = client(account.base_url, tier_field="UF_CRM_LOYALTY_TIER")
    check(portal)
    check(portal)
    assert account.fields == ["UF_CRM_LOYALTY_POINTS", "UF_CRM_LOYALTY_TIER"]
    gold = TierView("gold", "Золото")
    for tier, told in ((gold, "Золото"), (None, "")):
        shown = ShownBalance("points", available=51200, tier=tier)
        Balances().push(portal, "6", shown, key="k")
        fields = {"UF_CRM_LOYALTY_POINTS": "512.00", "UF_CRM_LOYALTY_TIER": told}
        assert account.items[CONTACTS, 6] == {"id": 6, **fields}
    for nobody in ("7", "anna", "-6"):
        with pytest.raises(Gone):
            Balances().push(portal, nobody, ShownBalance("points"), key="k")
    account.fields.clear()
    plain = client(account.base_url)
    check(plain)
    assert account.fields == ["UF_CRM_LOYALTY_POINTS"]
    account.items[CONTACTS, 8] = {"id": 8}
    Balances().push(plain, "8", ShownBalance("points", tier=gold), key="k")
    assert account.items[CONTACTS, 8] == {"id": 8, "UF_CRM_LOYALTY_POINTS": "0.00"}


def test_where_balances_are_not_wanted_nothing_is_written(account):
    portal = client(account.base_url, write_balance="false")
    check(portal)
    Balances().push(portal, "6", ShownBalance("points", available=1), key="k")
    assert [method for method, _ in account.calls] == ["sale.order.list"]


def test_goods_come_from_the_named_catalogues_alone(account):
    account.goods = [
        {"id": 1, "iblockId": 23, "name": "Чай", "xmlId": "6f2d", "active": "Y"},
        {"id": "2", "iblockId": 24, "name": "Кружка", "active": "N"},
        {"id": 3, "iblockId": 25, "name": "Прочее", "active": "Y"},
    ]
    catalogue = CONNECTOR.catalogue
    assert catalogue is not None
    portal = client(account.base_url)
    first = catalogue.page(portal, None)
    second = catalogue.page(portal, first.next_cursor)
    assert [(one.sku, one.attributes) for one in first.products] == [("b24-1", ("6f2d",))]
    assert (second.products, second.next_cursor) == ((), None)
    assert catalogue.page(client(account.base_url, catalogues=""), None).next_cursor is None
