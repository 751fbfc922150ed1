"""The script of the classic checkout, in Chromium with WordPress's own jQuery."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from connectors.wordpress.companion import SOURCES
from tests.support.browser import chromium
from tools.programs import find_wordpress

SCRIPT = (SOURCES / "assets" / "classic.js").read_text(encoding="utf-8")
JQUERY = "wp-includes/js/jquery/jquery.js"
SHOP = "http://shop.example/"
BOX = (
    '<div class="loyalty-hub-box"><form class="loyalty-hub-form">'
    '<input name="loyalty_hub_confirm"><button>Confirm</button></form></div>'
)
CHECKOUT = f"<body>{BOX}<form class='checkout'><input id='billing_phone'></form></body>"
#: What the box becomes: as WooCommerce 10.5.2 does it (`assets/js/frontend/checkout.js`), only
#: where it has changed.
WOOCOMMERCE = """
let last = box;
jQuery(document.body).on("update_checkout", () => {
    if (answers[0] !== last) {
        jQuery(".loyalty-hub-box").replaceWith(answers[0]);
        last = answers[0];
    }
    answers.shift();
});
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    site = find_wordpress()
    if site is None:
        pytest.skip("NOT TESTED: no WordPress on this machine (its jQuery)")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.route(SHOP, lambda route: route.fulfill(body=CHECKOUT, content_type="text/html"))
        page.goto(SHOP)
        page.add_script_tag(path=site / JQUERY)
        yield page


def open_checkout(page: Page, *answers: str) -> None:
    page.evaluate("jQuery(document.body).off().html(" + json.dumps(CHECKOUT) + ")")
    page.evaluate(f"Object.assign(window, {json.dumps({'box': BOX, 'answers': list(answers)})})")
    page.evaluate(f"window.loyaltyHubClassic = {{ url: '{SHOP}choose' }}")
    page.evaluate(f"(() => {{ {WOOCOMMERCE} }})()")
    page.evaluate(SCRIPT)


def test_a_phone_that_is_typed_has_the_checkout_calculated_anew(page):
    open_checkout(page, BOX.replace("Confirm", "Send me a code"))
    page.fill("#billing_phone", "+7 900 000-00-07")
    page.press("#billing_phone", "Tab")
    page.wait_for_selector("text=Send me a code")


@pytest.mark.parametrize("status", [200, 403, 500])
def test_after_a_choice_that_changes_nothing_another_can_be_made(page, status):
    sent: list[str | None] = []

    def answer(route):
        sent.append(route.request.post_data)
        route.fulfill(status=status, body="{}", content_type="application/json")

    page.unroute(f"{SHOP}choose")
    page.route(f"{SHOP}choose", answer)
    open_checkout(page, BOX, BOX.replace("Confirm", "Spent"))
    field = "[name=loyalty_hub_confirm]"
    page.fill(field, "000001")
    page.click("text=Confirm")
    expect(page.locator("button")).to_be_enabled()
    assert page.input_value(field) == "000001", "what was typed stays"
    page.fill(field, "476016")
    page.click("text=Confirm")
    page.wait_for_selector("text=Spent")
    assert sent == ["loyalty_hub_confirm=000001", "loyalty_hub_confirm=476016"]
