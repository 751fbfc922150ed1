"""A new owner connects a WooCommerce shop and sees the first points, in a real browser.

Once in English on a wide screen with SQLite, once in Russian on a phone with PostgreSQL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from connectors.wordpress import CONNECTOR
from hub.app import create_app
from hub.jobs import start_embedded
from hub.passwords import hash_password, one_time_password
from hub.registry import registry_of
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from tests.stand_ins.woocommerce import WooShop
from tests.support.browser import chromium, fits, served, visit
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

MORNING = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
"""Half an hour after the recorded order was paid."""
ORDER = Path(__file__).parents[1] / "connectors/wordpress/recorded/rest/order_get.json"
RULES = default_rules(
    earn_percent="5",
    spend_limit_percent="30",
    rounding="down",
    activation_days=0,
    point_life_days=365,
    negative_balance="clamp",
)
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages say on the way."""

    log_in: str
    no_receipts: str
    connect_a_shop: str
    name: str
    bad_address: str
    save: str
    test: str
    works: str
    nothing_arrived: str
    purchase: str
    to_the_member: str
    earned: str
    taken_back: str
    members: str
    paid: str


ENGLISH = Words(
    log_in="Log in",
    no_receipts="No receipts yet",
    connect_a_shop="Connect a shop",
    name="Tea shop",
    bad_address="An address begins with https:// or http://.",
    save="Save",
    test="Test the connection",
    works="It works",
    nothing_arrived="Nothing has arrived yet",
    purchase="Purchase 13",
    to_the_member="To the member",
    earned="Earned",
    taken_back="Taken back for a return",
    members="Members",
    paid=f"5,279.99{NBSP}₽",
)
RUSSIAN = Words(
    log_in="Войти",
    no_receipts="Чеков пока нет",
    connect_a_shop="Подключить магазин",
    name="Чайная лавка",
    bad_address="Адрес начинается с https:// или http://.",
    save="Сохранить",
    test="Проверить подключение",
    works="Всё работает",
    nothing_arrived="Пока ничего не пришло",
    purchase="Покупка 13",
    to_the_member="К участнику",
    earned="Начислено",
    taken_back="Отозвано при возврате товара",
    members="Участники",
    paid=f"5{NBSP}279,99{NBSP}₽",
)


@dataclass(frozen=True, slots=True)
class Owner:
    """A hub that was started for the first time, its shop, and the one-time password."""

    address: str
    password: str
    shop: WooShop


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    """The database that the case names; SQLite where it names none."""
    found: Engine = request.getfixturevalue(getattr(request, "param", "sqlite_engine"))
    return found


@pytest.fixture
def owner(engine: Engine, tmp_path: Path) -> Iterator[Owner]:
    clock = FixedClock(MORNING)
    hub = make_hub(engine, clock=clock, registry=registry_of([CONNECTOR]), data_dir=tmp_path)
    password = one_time_password()
    with write(engine) as connection:
        create_programme(
            connection, code="demo", name="Demo", document=RULES, author="test", now=MORNING
        )
        create_admin(connection, login="admin", password_hash=hash_password(password), now=MORNING)
    embedded = start_embedded(hub)
    try:
        with WooShop(clock=clock.now) as shop, served(create_app(hub)) as address:
            yield Owner(address, password, shop)
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
def test_from_the_first_login_to_the_first_points(owner, locale, width, words):
    with chromium() as browser, visit(browser, owner.address, locale=locale, width=width) as opened:
        page, complaints = opened

        log_in(page, owner, words)
        expect(page.get_by_text(words.no_receipts)).to_be_visible()
        fits(page)

        hook = connect(page, owner, words)
        press_the_test_button(page, words)

        # The shop sells: goods for 4979.99 and delivery for 300.00, on which 5 % of the goods
        # are 248.9995 points, rounded down.
        order = json.loads(ORDER.read_text("utf-8"))
        owner.shop.put_order(order, status="processing", refunds=[])
        assert owner.shop.deliver("order.updated", 13, hook).status_code == 200

        page.get_by_role("link", name=words.purchase).click()
        fits(page)
        page.get_by_role("link", name=words.to_the_member).click()
        expect(page.locator('[data-figure="available"]')).to_have_text("248")
        expect(page.get_by_role("heading", level=1)).to_have_text("Иван Петров")
        expect(page.locator("table")).to_contain_text(words.earned)
        fits(page)

        # The order is cancelled, and the points go.
        member = page.url
        owner.shop.change_order(13, status="cancelled")
        assert owner.shop.deliver("order.updated", 13, hook).status_code == 200
        reload_until(page, words.taken_back)
        expect(page.locator('[data-figure="available"]')).to_have_text("0")

        find_the_member(page, words, member)
        assert complaints.violations == []
        # The form that was sent with a mistake is answered 422, which Chromium calls an error.
        assert [text for text in complaints.errors if "422" not in text] == []


def test_a_breach_of_the_policy_would_have_been_noticed(owner):
    with chromium() as browser, visit(browser, owner.address, locale="en", width=800) as opened:
        page, complaints = opened
        page.goto("/")
        page.evaluate(
            """document.body.append(
                Object.assign(document.createElement("script"), {textContent: "window.hacked = 1"})
            )"""
        )

        assert page.evaluate("window.hacked") is None
        assert [text.partition(":")[0] for text in complaints.violations] == ["script-src-elem"]


def log_in(page: Page, owner: Owner, words: Words) -> None:
    page.goto("/")
    fits(page)
    page.locator("#login").fill("admin")
    page.locator("#password").fill(owner.password)
    page.get_by_role("button", name=words.log_in).click()


def connect(page: Page, owner: Owner, words: Words) -> str:
    """Fill the form, first with a mistake; the address for the shop's webhooks."""
    page.get_by_role("link", name=words.connect_a_shop).first.click()
    page.get_by_role("link", name="WooCommerce").click()
    page.locator("[name=_name]").fill(words.name)
    page.locator("[name=base_url]").fill("shop, you know which")
    type_secrets(page, owner)
    page.get_by_role("button", name=words.save).click()

    expect(page.get_by_text(words.bad_address)).to_be_visible()
    expect(page.locator("[name=_name]")).to_have_value(words.name)
    expect(page.locator("[name=consumer_secret]")).to_have_value("")
    fits(page)
    page.locator("[name=base_url]").fill(owner.shop.base_url)
    type_secrets(page, owner)
    page.get_by_role("button", name=words.save).click()

    expect(page.get_by_text(words.nothing_arrived)).to_be_visible()
    fits(page)
    return page.locator("#hook-1").input_value()


def type_secrets(page: Page, owner: Owner) -> None:
    page.locator("[name=consumer_key]").fill(owner.shop.consumer_key)
    page.locator("[name=consumer_secret]").fill(owner.shop.consumer_secret)
    page.locator("[name=webhook_secret]").fill(owner.shop.webhook_secret)


def press_the_test_button(page: Page, words: Words) -> None:
    page.get_by_role("button", name=words.test).click()
    expect(page.get_by_text(words.works)).to_be_visible()


def find_the_member(page: Page, words: Words, member: str) -> None:
    """By the phone as a person would type it; through the menu, also where it is folded."""
    page.wait_for_load_state()
    menu = page.locator(".navbar-toggler")
    if menu.is_visible():
        menu.click()
        expect(page.locator("#menu")).to_have_class(re.compile(r"\bshow\b"))
    page.get_by_role("link", name=words.members, exact=True).first.click()
    page.locator("#q").fill("8 900 000-00-01")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Иван Петров").click()
    expect(page).to_have_url(re.compile(re.escape(member.partition("?")[0])))


def reload_until(page: Page, text: str) -> None:
    """The books are written by a worker, so the page may have to be asked again."""
    for _ in range(40):
        page.reload()
        if page.get_by_text(text).first.is_visible():
            return
    pytest.fail(f"{text!r} did not appear")
