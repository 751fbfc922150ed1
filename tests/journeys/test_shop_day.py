"""A new owner comes from nothing to a till that sells; a second factor; sessions that end.

Once in English on a wide screen with SQLite, once in Russian on a phone with PostgreSQL.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, func, select

from connectors.console import CONNECTOR
from hub.app import create_app
from hub.installations import create_installation
from hub.outbox.messages import CODES
from hub.passwords import hash_password
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.service.admins import create_admin
from loyalty_core.service.confirm import code_of
from loyalty_core.service.programmes import draft_rules, get_programme, get_rules, publish_rules
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import confirmations, entries, members, outbox, purchases
from tests.support.browser import chromium, fits, served, visit
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

MORNING = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
KEPT = (purchases, entries, members, outbox, confirmations)
NBSP = "\N{NO-BREAK SPACE}"
FIVE_MINUTES = 300
"""From the first login to points that move."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the pages say on the way."""

    go_on: str
    use_till: str
    try_it: str
    done: str
    enrol: str
    add: str
    price: str
    all_points: str
    send_code: str
    book: str
    train: str
    book_training: str
    end_training: str
    take_back: str
    book_return: str
    wrong_code: str
    switch_on: str
    end: str
    paid: str


ENGLISH = Words(
    go_on="Go on",
    use_till="Use the cashier page",
    try_it="Try it",
    done="Done: to the home page",
    enrol="Enrol and sell",
    add="Add",
    price="Work out the price",
    all_points="All",
    send_code="Send a code",
    book="Book the receipt",
    train="Training",
    book_training="Book in training",
    end_training="End the training",
    take_back="Take goods back",
    book_return="Book the return",
    wrong_code="The code is wrong. 4 attempts are left.",
    switch_on="Switch on",
    end="End",
    paid=f"950.00{NBSP}₽",
)
RUSSIAN = Words(
    go_on="Дальше",
    use_till="Работать на странице кассы",
    try_it="Попробовать",
    done="Готово, на главную",
    enrol="Зарегистрировать и продать",
    add="Добавить",
    price="Рассчитать",
    all_points="Все",
    send_code="Отправить код",
    book="Провести чек",
    train="Обучение",
    book_training="Провести в обучении",
    end_training="Закончить обучение",
    take_back="Принять возврат",
    book_return="Провести возврат",
    wrong_code="Код неверный. Осталось 4 попытки.",
    switch_on="Включить",
    end="Завершить",
    paid=f"950,00{NBSP}₽",
)


@dataclass(frozen=True, slots=True)
class Stage:
    hub: Hub
    clock: FixedClock
    address: str

    def rows(self) -> list[int]:
        """How much stands in the books."""
        with read(self.hub.engine) as connection:
            return [connection.scalar(select(func.count()).select_from(one)) for one in KEPT]

    def sent_code(self) -> str:
        """The one that went to the buyer last."""
        with read(self.hub.engine) as connection:
            number = connection.scalar(select(func.max(confirmations.c.id)))
        return code_of(self.hub.vault.derive(CODES), number)


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A hub without a programme, and the account of its owner."""
    engine: Engine = request.getfixturevalue(getattr(request, "param", "sqlite_engine"))
    clock = FixedClock(MORNING)
    hub = make_hub(engine, clock=clock, registry=registry_of([CONNECTOR]), data_dir=tmp_path)
    with write(engine) as connection:
        create_admin(connection, login="admin", password_hash=hash_password(PASSWORD), now=MORNING)
    with served(create_app(hub)) as address:
        yield Stage(hub, clock, address)


@pytest.mark.parametrize(
    ("stage", "locale", "width", "words"),
    [
        pytest.param("sqlite_engine", "en-GB", 1440, ENGLISH, id="English, wide, SQLite"),
        pytest.param("postgres_engine", "ru-RU", 360, RUSSIAN, id="Russian, narrow, PostgreSQL"),
    ],
    indirect=["stage"],
)
def test_from_nothing_to_a_till_that_sells_and_a_login_that_is_safe(stage, locale, width, words):
    with chromium() as browser, visit(browser, stage.address, locale=locale, width=width) as opened:
        page, complaints = opened

        began = time.monotonic()
        log_in(page)
        set_up(page, words)
        assert time.monotonic() - began < FIVE_MINUTES
        sell_first(page, stage, words)
        ask_for_codes(stage)
        spend_by_a_code(page, stage, words)
        train(page, stage, words)
        take_back(page, stage, words)
        secret, recovery = switch_the_factor_on(page, stage, words)
        come_again(page, stage, secret, recovery)
        with visit(browser, stage.address, locale=locale, width=width) as elsewhere:
            end_a_session(page, elsewhere[0], stage, secret, words)

        assert complaints.violations == []
        # Forms that were sent with a mistake are answered 401 or 422, which Chromium calls errors.
        refused = [text for text in complaints.errors if "422" not in text and "401" not in text]
        assert refused == []


def log_in(page: Page) -> None:
    page.goto("/admin/login")
    page.locator("#login").fill("admin")
    page.locator("#password").fill(PASSWORD)
    page.locator("main button.btn-primary").click()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def set_up(page: Page, words: Words) -> None:
    """The wizard, with a mistake first; it goes on where it was left.

    Without the detours: one field is filled and four buttons are pressed.
    """
    expect(page.locator("#name")).to_be_visible()
    fits(page)
    page.locator("#name").fill("Чайная лавка")
    page.locator("#bonus-earn").fill("500")
    press(page, words.go_on)
    expect(page.locator("#wrong-bonus-earn")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Чайная лавка")
    fits(page)
    page.locator("#bonus-earn").fill("5")
    press(page, words.go_on)

    expect(page.get_by_role("link", name=words.use_till)).to_be_visible()
    expect(page.locator('main a[href="/admin/p/main/programme/rules"]')).to_be_visible()
    fits(page)
    page.goto("/")
    fits(page)
    page.get_by_role("link", name=words.go_on).click()
    page.get_by_role("link", name=words.use_till).click()
    press(page, words.try_it)
    # 5 % of 1000 are 50 points; the same goods next time cost 1000 - 50.
    expect(page.locator('[data-figure="after"]')).to_have_text("50")
    expect(page.locator('[data-figure="next"]')).to_have_text(words.paid)
    fits(page)
    press(page, words.done)
    expect(page.locator('[data-figure="receipts"]')).to_have_text("0")
    fits(page)


def sell_first(page: Page, stage: Stage, words: Words) -> None:
    """Enrol whom nobody knows, refuse bad input, and book once though it is pressed twice."""
    page.goto("/admin/p/main/till/")
    fits(page)
    page.locator("#q").fill("8 916 000-00-01")
    page.keyboard.press("Enter")
    expect(page.locator("#new-phone")).to_have_value("8 916 000-00-01")
    page.locator("#new-phone").fill("12")
    page.locator("#new-first_name").fill("Анна")
    press(page, words.enrol)
    expect(page.locator("#wrong-phone")).to_be_visible()
    expect(page.locator("#new-first_name")).to_have_value("Анна")
    fits(page)
    page.locator("#new-phone").fill("8 916 000-00-01")
    press(page, words.enrol)

    page.locator("#scan").fill("Чай")
    page.keyboard.press("Enter")
    line = page.locator(".till-line").first
    expect(line.locator("[name=name]")).to_have_value("Чай")
    expect(line.locator(".invalid-feedback")).to_be_visible()
    fits(page)
    line.locator("[name=price]").fill("500")
    line.locator("[name=quantity]").fill("2")
    press(page, words.price)
    expect(page.locator('[data-figure="earn"]')).to_have_text("50")
    fits(page)
    form = page.evaluate(
        "new URLSearchParams(new FormData(document.querySelector('main form'))).toString()"
    )
    address = page.url
    page.get_by_role("button", name=words.book).dblclick()
    expect(page.locator('[data-figure="earned"]')).to_have_text("50")
    fits(page)
    # The same form again, as a second press would send it.
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    again = page.request.post(address, data=f"{form}&do=sell", headers=sent)
    assert again.url == page.url, "it leads to the receipt that is there"
    assert stage.rows()[0] == 1


def ask_for_codes(stage: Stage) -> None:
    """From now on the programme does not take a till's word, and messages can be sent."""
    hub = stage.hub
    with write(hub.engine) as connection:
        programme = get_programme(connection, "main")
        rules = dict(get_rules(connection, programme.id))
        rules["policies"] = {**rules["policies"], "trust_pos": False}
        said = {"author": "test", "now": MORNING}
        draft = draft_rules(connection, programme.id, rules, **said)
        publish_rules(connection, programme.id, draft, **said)
    create_installation(
        hub, programme_id=programme.id, connector="console", name="Terminal", settings={}
    )


def spend_by_a_code(page: Page, stage: Stage, words: Words) -> None:
    begin_sale(page)
    press(page, words.all_points)
    expect(page.locator('[data-figure="to-pay"]')).to_have_text(words.paid)
    press(page, words.send_code)
    expect(page.locator("#code")).to_be_visible()
    fits(page)
    code = stage.sent_code()
    page.locator("#code").fill("000000" if code != "000000" else "000001")
    press(page, words.book)
    expect(page.locator("#wrong-code")).to_have_text(words.wrong_code)
    fits(page)
    page.locator("#code").fill(code)
    press(page, words.book)
    # 950 were paid in money, of which 5 % are 47.5, rounded down.
    expect(page.locator('[data-figure="spent"]')).to_have_text("50")
    expect(page.locator('[data-figure="earned"]')).to_have_text("47")
    fits(page)
    assert stage.rows()[0] == 2


def begin_sale(page: Page) -> None:
    """Anna again, and goods for 1000."""
    page.goto("/admin/p/main/till/")
    page.locator("#q").fill("89160000001")
    page.keyboard.press("Enter")
    page.locator("#scan").fill("Чай")
    page.keyboard.press("Enter")
    page.locator(".till-line [name=price]").first.fill("1000")
    page.locator(".till-line [name=price]").first.press("Enter")
    expect(page.locator('[data-figure="to-pay"]')).to_be_visible()


def train(page: Page, stage: Stage, words: Words) -> None:
    """Everything is there to be tried, and nothing of it in the books."""
    before = stage.rows()
    page.goto("/admin/p/main/till/")
    press(page, words.train)
    page.locator("#q").fill("+79160000077")
    page.keyboard.press("Enter")
    press(page, words.enrol)
    page.locator("#scan").fill("Чай")
    page.keyboard.press("Enter")
    page.locator(".till-line [name=price]").first.fill("1000")
    press(page, words.price)
    press(page, words.book_training)
    expect(page.locator('[data-figure="earned"]')).to_have_text("50")
    expect(page.locator(".training")).to_be_visible()
    fits(page)

    begin_sale(page)
    press(page, words.all_points)
    page.locator("#code").fill("000000")
    fits(page)
    press(page, words.book_training)
    expect(page.locator('[data-figure="spent"]')).to_have_text("47")
    press(page, words.end_training)
    expect(page.locator(".training")).to_have_count(0)
    fits(page)
    assert stage.rows() == before


def take_back(page: Page, stage: Stage, words: Words) -> None:
    page.locator(".list-group a").first.click()
    page.get_by_role("link", name=words.take_back).click()
    page.locator("#back-1").fill("much")
    press(page, words.book_return)
    expect(page.locator("#wrong-back-1")).to_be_visible()
    expect(page.locator("#back-1")).to_have_value("much")
    fits(page)
    page.locator("#back-1").fill("1")
    press(page, words.book_return)
    # The 47 that it earned go, the 50 that it was paid with come back.
    expect(page.locator('[data-figure="available"]')).to_have_text("50")
    fits(page)


def switch_the_factor_on(page: Page, stage: Stage, words: Words) -> tuple[str, str]:
    """The secret, and one of the codes for a lost phone."""
    page.goto("/admin/account/")
    fits(page)
    page.goto("/admin/account/second-factor")
    drawn = "({viewBox}) => viewBox.baseVal.width"
    assert page.locator(".qr svg").evaluate(drawn) > 0, "all of it, at any size"
    fits(page)
    secret = "".join(page.locator("p code").inner_text().split())
    page.locator("#password").fill(PASSWORD)
    page.locator("#code").fill("12345")
    press(page, words.switch_on)
    expect(page.locator("#wrong-code")).to_be_visible()
    page.locator("#password").fill(PASSWORD)
    page.locator("#code").fill(pyotp.TOTP(secret).at(stage.clock.now()))
    press(page, words.switch_on)
    codes = page.locator(".recovery code")
    expect(codes).to_have_count(10)
    fits(page)
    return secret, codes.first.inner_text()


def come_again(page: Page, stage: Stage, secret: str, recovery: str) -> None:
    """A code that was used is not taken again; a recovery code is taken once."""
    used = pyotp.TOTP(secret).at(stage.clock.now())
    leave(page)
    log_in(page)
    expect(page.locator("#code")).to_be_visible()
    fits(page)
    confirm(page, used)
    expect(page.locator(".alert-danger")).to_be_visible()
    fits(page)
    confirm(page, recovery)
    expect(page.locator('[data-figure="receipts"]')).to_have_text("2")
    fits(page)

    leave(page)
    log_in(page)
    confirm(page, recovery)
    expect(page.locator(".alert-danger")).to_be_visible()
    stage.clock.advance(seconds=30)
    confirm(page, pyotp.TOTP(secret).at(stage.clock.now()))
    expect(page.locator('[data-figure="receipts"]')).to_have_text("2")


def end_a_session(page: Page, other: Page, stage: Stage, secret: str, words: Words) -> None:
    """Whoever is logged in elsewhere is out at once."""
    stage.clock.advance(seconds=30)
    log_in(other)
    confirm(other, pyotp.TOTP(secret).at(stage.clock.now()))
    expect(other.locator('[data-figure="receipts"]')).to_be_visible()
    page.goto("/admin/account/")
    fits(page)
    page.get_by_role("button", name=words.end, exact=True).click()
    expect(page.get_by_role("button", name=words.end, exact=True)).to_have_count(0)
    other.reload()
    expect(other.locator("#password")).to_be_visible()


def confirm(page: Page, code: str) -> None:
    page.locator("#code").fill(code)
    page.locator("main button.btn-primary").click()


def leave(page: Page) -> None:
    page.wait_for_load_state()
    menu = page.locator(".navbar-toggler")
    if menu.is_visible():
        menu.click()
        # It unfolds by and by, and a click on what still moves may reach nothing.
        expect(page.locator("#menu")).to_have_class(re.compile(r"\bshow\b"))
    page.locator(".leave button").click()
    expect(page.locator("#login")).to_be_visible()
