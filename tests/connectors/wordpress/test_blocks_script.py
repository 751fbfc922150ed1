"""The script of the cart and checkout of blocks, in Chromium over a stand-in of the Store API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from connectors.wordpress.companion import SOURCES
from tests.support.browser import chromium

STAND_IN = (Path(__file__).parent / "plugin" / "blocks_stand_in.js").read_text(encoding="utf-8")
SCRIPT = (SOURCES / "assets" / "blocks.js").read_text(encoding="utf-8")
NAMES = (
    "points", "use", "all", "none", "code", "gift", "apply", "drop", "send", "digits", "spend",
)  # fmt: skip
SETTINGS = {
    "loyalty-hub_data": {
        "texts": {name: f"[{name}]" for name in NAMES},
        "labels": {"loyalty-points": "Paid with points"},
    }
}
VIEW = {
    "shown": True, "notes": ["Your points: 500"], "can_spend": True, "by_code": False,
    "code_sent": False, "spend": "", "codes": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        yield page


def cart(**changes: Any) -> dict[str, Any]:
    return {"extensions": {"loyalty-hub": {**VIEW, **changes}}}


def show(page: Page, first: dict[str, Any], *answers: dict[str, Any]) -> None:
    page.set_content("<body></body>")
    known = {"settings": SETTINGS, "cart": first, "answers": list(answers)}
    page.evaluate(f"Object.assign(window, {json.dumps(known)})")
    page.evaluate(f"(() => {{ {STAND_IN} }})()")
    page.evaluate(SCRIPT)
    page.evaluate("draw()")


def sent(page: Page) -> list[Any]:
    told = page.evaluate("sent")
    assert all(one["namespace"] == "loyalty-hub" for one in told)
    return [one["data"] for one in told]


def test_points_codes_and_certificates_are_typed_and_taken_back(page):
    used = [{"code": "SPRING", "text": "SPRING: used"}]
    show(page, cart(), cart(spend="100.00"), cart(codes=used), cart(codes=used), cart(), cart())
    assert page.inner_text(".loyalty-hub-box p") == "Your points: 500"

    page.fill("#loyalty-hub-points", "100")
    page.click("text='[use]'")
    assert page.input_value("#loyalty-hub-points") == "100.00", "what is spent stands in it"
    page.fill("#loyalty-hub-code", "SPRING")
    page.press("#loyalty-hub-code", "Enter")
    assert page.input_value("#loyalty-hub-code") == "", "the field is free for another code"
    page.fill("#loyalty-hub-certificate", "AAAAA-BBBBB")
    page.press("#loyalty-hub-certificate", "Enter")
    page.click("text='[drop]'")
    page.click("text='[all]'")
    assert sent(page) == [
        {"points": "100"},
        {"code": "SPRING"},
        {"certificate": "AAAAA-BBBBB"},
        {"drop": "SPRING"},
        {"points": "max"},
    ]


def test_what_the_shop_refuses_is_told_and_the_field_keeps_what_was_typed(page):
    show(page, cart(), {"message": "Enter a number <b>please</b>."})
    page.fill("#loyalty-hub-points", "many")
    page.click("text='[use]'")
    assert page.inner_text("[role=alert]") == "Enter a number <b>please</b>."
    assert page.is_enabled("text='[use]'")


def test_whoever_nobody_vouches_for_spends_with_a_code(page):
    show(page, cart(by_code=True), cart(by_code=True, code_sent=True), cart(spend="50.00"))
    assert page.query_selector("#loyalty-hub-confirm") is None
    assert page.query_selector("text='[all]'") is None
    page.click("text='[send]'")
    page.fill("#loyalty-hub-confirm", "123456")
    page.press("#loyalty-hub-confirm", "Enter")
    page.wait_for_selector("text='[none]'")
    assert sent(page) == [{"send": "1"}, {"confirm": "123456"}]


@pytest.mark.parametrize("extensions", [{}, {"loyalty-hub": {**VIEW, "shown": False}}])
def test_without_an_answer_nothing_is_shown(page, extensions):
    show(page, {"extensions": extensions})
    assert page.inner_html("body") == ""


def test_coupons_of_the_hub_have_names_for_people(page):
    show(page, cart())
    coupons = [{"code": "loyalty-points"}, {"code": "welcome10", "label": "welcome10"}]
    assert page.evaluate(f"filters.coupons({json.dumps(coupons)})") == [
        {"code": "loyalty-points", "label": "Paid with points"},
        {"code": "welcome10", "label": "welcome10"},
    ]
