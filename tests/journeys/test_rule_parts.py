"""An owner makes a calendar, a list of own goods, a lane, a choice of reward and a reward by form.

Once in English on a wide screen, once in Russian on a phone; then all is published and tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from hub.app import create_app
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.admins import create_admin
from loyalty_core.service.personal_lists import fill_lists
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import write
from tests.hub.api.bodies import a_purchase
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import PASSWORD, hashed_password
from tests.support.browser import chromium, fits, served, visit
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

NOW = datetime(2026, 12, 31, 9, 0, tzinfo=UTC)
PROGRAMME = "/admin/p/demo/programme"
PARTS = f"{PROGRAMME}/parts"
MEMBER = {"phone": "+79161234567", "verified": True}
TEA = {"id": "1", "sku": "TEA", "quantity": "1", "amount": "200.00"}
CAKE = {"id": "2", "sku": "CAKE", "quantity": "1", "amount": "100.00"}


@pytest.fixture
def shop(sqlite_engine: Engine, tmp_path: Path) -> Iterator[tuple[str, Caller, Hub, str]]:
    """A member bought tea twice; cake was never bought."""
    hub = make_hub(
        sqlite_engine, clock=FixedClock(NOW), registry=registry_of([]), data_dir=tmp_path
    )
    with write(sqlite_engine) as connection:
        programme = create_programme(
            connection, code="demo", name="Demo", document=default_rules(), author="test", now=NOW
        )
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOW)
    app = create_app(hub)
    caller = Caller(app, new_key(hub, programme.id).key)
    sold = {**TEA, "discount": "0.00", "spend": "0.00", "paid": "200.00"}
    for day in ("10", "20"):
        bought = a_purchase(
            external_id=day,
            occurred_at=f"2026-12-{day}T10:00:00Z",
            lines=[sold],
            customer={"phone": MEMBER["phone"]},
        )
        booked = caller.post("/purchases", bought).json
    with served(app) as address:
        yield address, caller, hub, booked["member"]


@pytest.mark.parametrize(
    ("locale", "width", "day", "wrong"),
    [
        pytest.param(
            "en-GB", 1440, "2026-12-31", "There is no such day: 32.12.2026", id="English, wide"
        ),
        pytest.param(
            "ru-RU", 360, "31.12.2026", "Такой даты нет: 32.12.2026", id="Russian, narrow"
        ),
    ],
)
def test_each_part_of_the_rules_is_made_by_form(shop, locale, width, day, wrong):
    address, till, hub, member = shop
    with chromium() as browser, visit(browser, address, locale=locale, width=width) as opened:
        page, complaints = opened
        page.goto("/")
        page.locator("#login").fill("owner")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/p/demo/")

        a_calendar(page, day, wrong)
        own = a_list(page)
        lane = a_lane(page)
        a_promotion(page, own, lane)
        a_choice(page)
        a_reward(page)
        publish(page)

        assert complaints.violations == []
        # The form that was sent with a mistake is answered 422, which is told as an error.
        assert [text for text in complaints.errors if "422" not in text] == []
    with write(hub.engine) as connection:
        fill_lists(connection, hub.plans, now=hub.clock.now())

    def told() -> dict[str, str]:
        said = till.post("/quotes", {"lines": [TEA, CAKE], "channel": "pos", "member": MEMBER}).json
        return {"discount": said["totals"]["discount"], "earn": said["points"]["earn"]}

    # 10 % of the tea alone, which the member buys most; nothing is earned by who has a discount.
    assert told() == {"discount": "20.00", "earn": "0.00"}
    hub.clock.advance(days=1)
    assert told()["discount"] == "0.00", "the calendar has one day"
    assert till.get(f"/members/{member}/rewards").json["items"] == [], "ten purchases are asked"


def save(page: Page) -> None:
    fits(page)
    page.locator(".form-foot .btn-primary").click()
    expect(page.locator(".alert-success")).to_be_visible()
    fits(page)


def a_calendar(page: Page, day: str, wrong: str) -> None:
    """A mistake is told beside the field, and what was typed is kept."""
    page.goto(f"{PROGRAMME}/")
    page.locator(".tabs a[href$='parts/calendars/']").click()
    page.locator("a[href$='parts/calendars/new']").click()
    page.locator('[name="name"]').fill("Sale")
    page.locator('[name="code"]').fill("sale")
    page.locator('[name="days"]').fill("32.12.2026")
    page.locator(".form-foot .btn-primary").click()
    expect(page.locator("#wrong-days")).to_have_text(wrong)
    expect(page.locator('[name="days"]')).to_have_value("32.12.2026")
    page.locator('[name="days"]').fill(day)
    save(page)


def a_list(page: Page) -> str:
    """Its code.  How it fills itself is asked where it does."""
    page.goto(f"{PARTS}/personal_lists/new")
    page.locator('[name="name"]').fill("Own goods")
    expect(page.locator('[name="auto.days"]')).to_be_hidden()
    page.locator('[name="auto"]').check()
    expect(page.locator('[name="auto.at_least"]')).to_have_value("2")
    page.locator('[name="auto.days"]').fill("30")
    code = page.locator('[name="code"]').input_value()
    save(page)
    return code


def a_lane(page: Page) -> str:
    """Its code; it runs before the lane that there was."""
    page.goto(f"{PARTS}/lanes/new")
    page.locator('[name="name"]').fill("First of all")
    page.locator('[name="mode"]').select_option("best")
    code = page.locator('[name="code"]').input_value()
    save(page)
    page.locator("form[action$='/earlier'] button").click()
    first = page.locator("section[aria-labelledby=s-lanes] h3").first
    expect(first).to_contain_text("First of all")
    return code


def a_promotion(page: Page, own: str, lane: str) -> None:
    """10 % off the own goods on the days of the calendar, in the new lane."""
    page.goto(f"{PROGRAMME}/promotions/new")
    page.locator('[name="name"]').fill("Own on sale")
    page.locator('[name="params.percent"]').fill("10")
    page.locator("details.more > summary").first.click()
    page.locator('[name="params.personal"]').select_option(own)
    page.locator('button[value="line:when"]').click()
    page.locator('[name="when.0.field"]').select_option("time.holiday")
    page.locator('.form-selectgroup-item:has([name="when.0.value"][value="sale"])').click()
    page.locator("#promotion-form details.more-card > summary").click()
    page.locator('[name="lane"]').select_option(lane)
    save(page)


def a_choice(page: Page) -> None:
    """Points or a discount, which is what members have who did not choose; purchases earn for
    those who chose points."""
    page.goto(f"{PARTS}/reward_catalogue/")
    page.locator("a[href$='reward-choice']").click()
    expect(page.locator('[name="forms.0.name"]')).to_be_hidden()
    page.locator('[name="given"]').check()
    page.locator('[name="default"][value="1"]').check()
    page.locator('button[value="add:forms"]').click()
    page.locator('[name="forms.2.name"]').fill("Money")
    expect(page.locator('[name="default"][value="1"]')).to_be_checked()
    save(page)
    page.goto(f"{PROGRAMME}/rules")
    page.locator('.form-selectgroup-item:has([name="earning.rewards"][value="points"])').click()
    page.locator(".form-foot .btn-primary").click()
    page.wait_for_url("**/versions/*")


def a_reward(page: Page) -> None:
    """For members with ten purchases."""
    page.goto(f"{PARTS}/reward_catalogue/new")
    page.locator('[name="name"]').fill("Mug")
    page.locator('[name="kind"]').select_option("gift")
    page.locator('[name="price"]').fill("150")
    page.locator('button[value="line:when"]').click()
    page.locator('[name="when.0.value"]').fill("10")
    expect(page.locator("#look [data-reached]")).to_contain_text("0")
    save(page)


def publish(page: Page) -> None:
    page.locator(".alert-info .btn").click()
    for name in ("Sale", "Own goods", "First of all", "Own on sale", "Money", "Mug"):
        expect(page.locator(".changes")).to_contain_text(name)
    fits(page)
    page.locator('form[action$="/publish"] button').click()
    expect(page.locator(".alert-success")).to_be_visible()
