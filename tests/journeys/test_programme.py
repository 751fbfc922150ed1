"""An owner builds a promotion without a line of JSON, tries it, and a second person publishes it.

Once in English on a wide screen with SQLite, once in Russian on a phone with PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from hub.app import create_app
from hub.jobs import start_embedded
from hub.registry import registry_of
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.admins import create_admin
from loyalty_core.service.catalogue import upsert_categories
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.catalogue import CategoryRow
from loyalty_core.store.database import write
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import PASSWORD, hashed_password
from tests.support.browser import chromium, fits, served, visit
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

SATURDAY = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
"""Noon in Moscow."""
PROGRAMME = "/admin/p/demo/programme"
NBSP = "\N{NO-BREAK SPACE}"
RULES = default_rules() | {
    "tiers": [
        {"code": "base", "name": "Base", "spend_from": "0.00"},
        {"code": "gold", "name": "Gold", "spend_from": "1000.00"},
    ],
}
RULES["policies"] |= {"approval": True}
BASKET = [
    {"id": "1", "quantity": "2", "amount": "300.00", "categories": ["tea"]},
    {"id": "2", "quantity": "1", "amount": "99.90", "categories": ["tea"]},
]
"""The cheapest of three is free: 99.90 of 399.90, so 300.00 are to be paid."""


@dataclass(frozen=True, slots=True)
class Words:
    rule: tuple[str, ...]
    discount: str
    payable: str
    reached: str
    not_met: str
    wrong: str
    second: str
    more: str


ENGLISH = Words(
    (
        "Of each (units): 3",
        "Categories of goods: Black tea",
        "Day of the week: one of Saturday, Sunday and Tier: one of Gold",
    ),
    f"99.90{NBSP}₽",
    f"300.00{NBSP}₽",
    "Can be had by 1 member",
    "The condition is not met",
    "Write a whole number.",
    "You wrote this draft: a second person publishes it.",
    "1 member, 95.90",
)
RUSSIAN = Words(
    (
        "Из каждых (штук): 3",
        "Категории товаров: Black tea",
        "День недели: одно из: суббота, воскресенье и Уровень: одно из: Gold",
    ),
    f"99,90{NBSP}₽",
    f"300,00{NBSP}₽",
    "Доступна 1 участнику",
    "Не выполнено условие",
    "Напишите целое число.",
    "Этот черновик написали вы: опубликовать его должен второй человек.",
    "1 участник, 95,90",
)


@dataclass(frozen=True, slots=True)
class Shop:
    address: str
    caller: Caller

    def discount(self) -> Any:
        """What the basket of a gold member gets of a till."""
        member = {"phone": "+79161234567", "verified": True}
        body = {"lines": BASKET, "channel": "pos", "member": member}
        return self.caller.post("/quotes", body).json["totals"]["discount"]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    """A gold member bought three teas an hour ago; rules are published by a second person."""
    hub = make_hub(
        engine,
        clock=FixedClock(SATURDAY),
        registry=registry_of([]),
        data_dir=tmp_path,
        quote_deadline_ms=20_000,
    )
    with write(engine) as connection:
        programme = create_programme(
            connection, code="demo", name="Demo", document=RULES, author="test", now=SATURDAY
        )
        tea = CategoryRow("tea", "Black tea", None)
        upsert_categories(connection, programme.id, [tea])
        for login in ("anna", "boris"):
            create_admin(connection, login=login, password_hash=hashed_password(), now=SATURDAY)
    app: Flask = create_app(hub)
    caller = Caller(app, new_key(hub, programme.id).key)
    sold = [
        {**line, "discount": "0.00", "spend": "0.00", "paid": line["amount"]} for line in BASKET
    ]
    for number, lines in (
        ("1", [{**sold[0], "amount": "2000.00", "paid": "2000.00"}]),
        ("2", sold),
    ):
        bought = a_purchase(
            external_id=number,
            occurred_at=f"2026-11-28T0{number}:00:00Z",
            lines=lines,
            customer={"phone": "+79161234567"},
        )
        assert caller.post("/purchases", bought).status_code in (200, 201)
    embedded = start_embedded(hub)
    try:
        with served(app) as address:
            yield Shop(address, caller)
    finally:
        embedded.stop()


@pytest.mark.parametrize(
    ("engine", "locale", "width", "words"),
    [
        pytest.param("sqlite_engine", "en-GB", 1440, ENGLISH, id="English, wide, SQLite"),
        pytest.param("postgres_engine", "ru-RU", 360, RUSSIAN, id="Russian, narrow, PostgreSQL"),
    ],
    indirect=["engine"],
)
def test_the_third_tea_is_free_on_weekends_for_gold(shop: Shop, locale, width, words):
    with chromium() as browser:
        with visit(browser, shop.address, locale=locale, width=width) as (page, complaints):
            log_in(page, "anna")
            build(page, words)
            try_it(page, words)
            draft = save(page, words)
            simulate(page, draft, words)
            assert shop.discount() == "0.00", "a draft gives nothing"
            # The form that was sent with a mistake is answered 422, which is told as an error.
            assert [text for text in complaints.errors if "422" not in text] == []
            assert complaints.violations == []
        with visit(browser, shop.address, locale=locale, width=width) as (page, complaints):
            log_in(page, "boris")
            publish(page, draft)
            assert shop.discount() == "99.90"

            taken = take_back(page)
            assert shop.discount() == "99.90", "that waits for a second person too"
            assert complaints.errors == complaints.violations == []
        with visit(browser, shop.address, locale=locale, width=width) as (page, _):
            log_in(page, "anna")
            publish(page, taken)
            assert shop.discount() == "0.00"


def log_in(page: Page, login: str) -> None:
    page.goto("/")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/p/demo/")


def build(page: Page, words: Words) -> None:
    page.goto(f"{PROGRAMME}/promotions/")
    page.locator(f'a[href$="{PROGRAMME}/promotions/new"]').first.click()
    page.locator('[name="name"]').fill("Third tea")
    page.locator('[name="type"]').select_option("each_nth")
    page.locator('[name="params.n"]').fill("three")
    chip(page, "params.categories", "tea")
    add_line(page, 0, "time.weekday")
    chip(page, "when.0.value", "6")
    chip(page, "when.0.value", "7")
    add_line(page, 1, "member.tier")
    chip(page, "when.1.value", "gold")
    fits(page)

    page.locator(".form-foot .btn-primary").click()
    expect(page.locator('[id="wrong-params.n"]')).to_have_text(words.wrong)
    expect(page.locator('[name="name"]')).to_have_value("Third tea")
    expect(page.locator('[name="when.1.value"][value="gold"]')).to_be_checked()
    page.locator('[name="params.n"]').fill("3")


def add_line(page: Page, number: int, field: str) -> None:
    page.locator('button[value="line:when"]').click()
    page.locator(f'[name="when.{number}.field"]').select_option(field)
    expect(page.locator(f'[name="when.{number}.was"]')).to_have_value(field)


def chip(page: Page, name: str, value: str) -> None:
    page.locator(f'.form-selectgroup-item:has([name="{name}"][value="{value}"])').click()


def try_it(page: Page, words: Words) -> None:
    for number, (quantity, price) in enumerate((("2", "150"), ("1", "99,90"))):
        line = f"try.lines.{number}"
        page.locator(f'[name="{line}.category"]').fill("tea")
        page.locator(f'[name="{line}.quantity"]').fill(quantity)
        page.locator(f'[name="{line}.price"]').fill(price)
    page.locator('[name="try.buyer"]').select_option("gold")
    look = page.locator("#look")
    expect(look.locator('[data-figure="discount"]')).to_have_text(words.discount)
    expect(look.locator('[data-figure="payable"]')).to_have_text(words.payable)
    # 5 % of 300.00, and not of more.
    expect(look.locator('[data-figure="earned"]')).to_have_text("15")
    expect(look.locator("[data-reached]")).to_have_text(words.reached)
    for text in words.rule:
        expect(look).to_contain_text(text)
    page.locator('[name="try.at"]').fill("2026-11-27T12:00")
    expect(look).to_contain_text(words.not_met)
    fits(page)


def save(page: Page, words: Words) -> int:
    """The number of the draft, which its author may not publish."""
    page.locator(".form-foot .btn-primary").click()
    page.wait_for_url(f"**{PROGRAMME}/promotions/")
    fits(page)
    page.locator(".alert-info .btn").click()
    expect(page.locator(".change-added")).to_contain_text("Third tea")
    expect(page.locator(".change-added")).to_contain_text("Black tea")
    expect(page.locator(".change-added")).to_contain_text("Gold")
    expect(page.locator("main")).to_contain_text(words.second)
    expect(page.locator('form[action$="/publish"] button')).to_be_disabled()
    fits(page)
    return int(page.url.rpartition("/")[2])


def simulate(page: Page, draft: int, words: Words) -> None:
    page.goto(f"{PROGRAMME}/versions/{draft}/simulate")
    page.locator('[name="from"]').fill("2026-11-29")
    page.locator("main .btn-primary").click()
    expect(page.locator("#wrong-to")).to_be_visible()
    page.locator('[name="from"]').fill("2026-11-01")
    page.locator("main .btn-primary").click()
    expect(page.locator("[data-chart] canvas")).to_have_count(3)
    # Of the two receipts the second has three teas, its buyer gold by then: 99.90 off, and 15
    # points for 300.00 in the place of 19 for 399.90.
    expect(page.locator("main")).to_contain_text(words.more)
    fits(page)


def publish(page: Page, version: int) -> None:
    page.goto(f"{PROGRAMME}/versions/{version}")
    page.locator('form[action$="/publish"] button').click()
    page.goto(f"{PROGRAMME}/")
    fits(page)
    expect(page.locator(".under-heading")).to_contain_text(str(version))


def take_back(page: Page) -> int:
    """The draft that says what the first version said."""
    page.goto(f"{PROGRAMME}/versions/1")
    page.locator('form[action$="/take-back"] button').click()
    expect(page.locator(".change-removed")).to_contain_text("Third tea")
    fits(page)
    return int(page.url.rpartition("/")[2])
