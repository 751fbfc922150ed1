"""An owner makes coupons, sells a certificate and hands out a gift, in a real browser.

Once in English on a wide screen, once in Russian on a phone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from hub.app import create_app
from hub.jobs import start_embedded
from hub.passwords import hash_password
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.support.browser import chromium, served, visit
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub

PASSWORD = "correct horse battery"
RULES = default_rules(
    earn_percent="5",
    spend_limit_percent="30",
    rounding="down",
    activation_days=0,
    point_life_days=365,
    negative_balance="clamp",
) | {
    "coupons": [{"code": "spring", "name": "Весенняя скидка"}],
    "certificates": [{"code": "gift", "name": "Подарочный", "life_days": 365}],
    "reward_catalogue": [{"code": "mug", "name": "Кружка", "kind": "gift", "price": "1.00"}],
}
GOODS = "Артикул;Название;Цена;Категории\nT1;Чай чёрный байховый;1 250,50;tea\nT2;;10;\n"
HERE = "/admin/p/demo"


@pytest.fixture
def place(sqlite_engine: Engine, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The hub's address, and the code of a gift that a member has ordered."""
    hub = make_hub(sqlite_engine, clock=FixedClock(NOON), data_dir=tmp_path)
    with write(sqlite_engine) as connection:
        programme = create_programme(
            connection, code="demo", name="Чайная лавка", document=RULES, author="test", now=NOON
        )
        create_admin(connection, login="owner", password_hash=hash_password(PASSWORD), now=NOON)
    app = create_app(hub)
    caller = Caller(app, new_key(hub, programme.id).key)
    bought = caller.post("/purchases", a_purchase()).json
    once = {"Idempotency-Key": "k-1"}
    assert caller.post("/rewards/mug/stock", {"left": 5}, headers=once).status_code == 200
    wish = f"/members/{bought['member']}/rewards"
    order = caller.post(wish, {"reward": "mug"}, headers=once).json["order"]
    embedded = start_embedded(hub)
    try:
        with served(app) as address:
            yield address, order["code"]
    finally:
        embedded.stop()


@pytest.mark.parametrize(
    ("locale", "width"),
    [
        pytest.param("en-GB", 1440, id="English, wide"),
        pytest.param("ru-RU", 360, id="Russian, narrow"),
    ],
)
def test_codes_certificates_and_gifts_from_the_console(place, locale, width):
    address, order_code = place
    with chromium() as browser, visit(browser, address, locale=locale, width=width) as opened:
        page, complaints = opened
        page.goto("/")
        page.locator("#login").fill("owner")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".page-title")).to_be_visible()

        bring_in_goods(page)
        make_coupons(page)
        code = export_codes(page)
        block_one(page, code)
        issue_and_print(page)
        hand_out(page, order_code)
        write_a_note(page)

        assert complaints.violations == []
        # Forms that were sent with a mistake are answered 422, which Chromium calls an error.
        assert [text for text in complaints.errors if "422" not in text] == []


def bring_in_goods(page: Page) -> None:
    """Sent, and checked beside everything else; left and come back to; taken by a click."""
    page.goto(f"{HERE}/catalogue/import")
    send = page.locator("form[enctype] button")
    send.click()
    expect(page.locator("#wrong-file")).not_to_be_empty()
    fits(page)
    file = {"name": "goods.csv", "mimeType": "text/csv", "buffer": GOODS.encode()}
    page.locator("#file").set_input_files(files=[file])
    send.click()
    expect(page.locator("[data-stage=checked] [data-figure=rejected]")).to_have_text("1")
    fits(page)
    page.goto(f"{HERE}/catalogue/")
    page.goto(f"{HERE}/catalogue/import")
    with page.expect_download() as refused:
        page.locator("[name=format][value=csv]").click()
    assert refused.value.path().read_text(encoding="utf-8-sig").count("\n") == 2
    page.locator("form[action$='/begin'] button").click()
    expect(page.locator("[data-stage=done] [data-figure=rejected]")).to_have_text("1")
    fits(page)
    page.goto(f"{HERE}/catalogue/?q=БАЙХОВЫЙ")
    expect(page.locator("table")).to_contain_text("Чай чёрный байховый")
    fits(page)


def make_coupons(page: Page) -> None:
    page.goto(f"{HERE}/coupons/new")
    page.locator("#count").fill("a lot")
    page.locator("#lot").fill("Листовки, май")
    page.locator("form.card .btn-primary").click()
    expect(page.locator("#wrong-count")).not_to_be_empty()
    expect(page.locator("#lot")).to_have_value("Листовки, май")
    fits(page)
    page.locator("#count").fill("1 000")
    page.locator("form.card .btn-primary").click()
    expect(page.locator("[data-figure=active]")).to_have_text(re.compile(r"1\D000"))
    fits(page)


def export_codes(page: Page) -> str:
    """A code of the lot, of which the file has a thousand."""
    with page.expect_download() as told:
        page.locator("[name=format][value=csv]").click()
    text = told.value.path().read_text("utf-8-sig")
    codes = [row["code"] for row in csv.DictReader(io.StringIO(text), delimiter=";")]
    assert len(set(codes)) == 1000
    return codes[0]


def block_one(page: Page, code: str) -> None:
    page.goto(f"{HERE}/coupons/")
    page.locator("#code").fill(code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(code)
    page.locator("[name=blocked][value=yes]").click()
    expect(page.locator("[name=blocked][value=no]")).to_be_visible()
    fits(page)


def issue_and_print(page: Page) -> None:
    page.goto(f"{HERE}/certificates/new")
    page.locator("#nominal").fill("1 500")
    page.locator("form.card .btn-primary").click()
    expect(page.locator("[data-figure=active]")).to_have_text("1")
    fits(page)
    page.locator("table a").first.click()
    expect(page.locator("[data-figure=balance]")).to_have_text(re.compile(r"1\D500[.,]00"))
    fits(page)
    code = page.get_by_role("heading", level=1).inner_text()
    page.locator("a[href$='/print']").click()
    expect(page.locator(".paper-code")).to_have_text(code)
    expect(page.locator(".paper-qr svg")).to_be_visible()
    page.evaluate("window.print = () => { window.printed = true }")
    page.locator("[data-prints]").click()
    assert page.evaluate("window.printed")
    fits(page)


def hand_out(page: Page, code: str) -> None:
    page.goto(f"{HERE}/rewards/hand-out")
    for said in ("alert-success", "is-invalid"):
        page.locator("#code").fill(code)
        page.keyboard.press("Enter")
        expect(page.locator(f".{said}")).to_be_visible()
        fits(page)


def write_a_note(page: Page) -> None:
    page.goto(f"{HERE}/members/")
    page.locator("table a").first.click()
    page.locator(".tabs a[href*=notes]").click()
    page.locator("a[href$='/notes/new']").click()
    page.locator("#text").fill("Любит чай с чабрецом")
    page.locator("form.card .btn-primary").click()
    expect(page.locator(".note")).to_have_text("Любит чай с чабрецом")
    fits(page)


def fits(page: Page) -> None:
    """Nothing sticks out of the window sideways."""
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(inside), f"{page.url} is wider than its window"
