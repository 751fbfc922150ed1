"""Take the pictures of the documents anew: `make screenshots`.

The demo programme, a stand-in WooCommerce shop that sends it orders, and Chromium; the clock
stands still, so that pictures change only where pages do.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page

from connectors.wordpress import CONNECTOR
from hub.app import create_app
from hub.demo import make_demo, shop
from hub.demo.door import Door
from hub.demo.people import MEMBERS
from hub.ingest import process
from hub.installations import check_installation, create_installation, update_settings
from hub.passwords import hash_password
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.service.admins import create_admin
from loyalty_core.service.members import find_members
from loyalty_core.service.programmes import draft_rules, get_programme, publish_rules
from loyalty_core.store import migrate
from loyalty_core.store.database import make_engine, read, write
from tests.stand_ins.woocommerce import WooShop
from tests.support.browser import Complaints, chromium, served, visit
from tests.support.clock import FixedClock
from tests.support.hub import make_hub

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "images"
GUIDE = ROOT / "docs" / "guide" / "images"
ORDER = ROOT / "tests/connectors/wordpress/recorded/rest/order_get.json"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
OFFERED = {
    "coupons": [{"code": "spring", "name": "Весна", "life_days": 30}],
    "certificates": [
        {"code": "gift", "name": "Подарочный", "nominal": "3000.00", "life_days": 365}
    ],
    "clubs": [{"code": "tea", "name": "Чайный клуб", "skus": ["CLUB-1"], "days": 365}],
    "club_events": [
        {
            "code": "spring",
            "name": "Дегустация улунов",
            "starts_at": "2026-12-05T18:00:00+03:00",
            "places": 12,
            "when": {"field": "member.club", "is": "has_any", "value": ["tea"]},
        }
    ],
    "segments": [
        {
            "code": "regulars",
            "name": "Постоянные покупатели",
            "when": {"field": "history.purchases", "is": "at_least", "value": 5},
        }
    ],
    "reward_catalogue": [
        {"code": "cup", "name": "Пиала фарфоровая", "kind": "gift", "price": "350.00"},
        {"code": "tasting", "name": "Дегустация чая", "kind": "service", "price": "500.00"},
    ],
}
"""What the pictures of the guide show besides the demo."""
LOGIN, PASSWORD = "owner", "only for pictures"


@dataclass(frozen=True, slots=True)
class Look:
    """In which language and window, and how that is called in the name of a picture."""

    language: str
    name: str
    width: int


LOOKS = (
    Look("en", "wide", 1440),
    Look("en", "narrow", 360),
    Look("en", "dark", 1440),
    Look("ru", "wide", 1440),
    Look("ru", "narrow", 360),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Where the pages with something to see are."""

    connection: str
    member: str

    def pages(self) -> dict[str, str]:
        return {
            "home": "/admin/p/demo/",
            "connection": f"/admin/p/demo/connections/{self.connection}",
            "form": "/admin/p/demo/connections/new/wordpress",
            "member": f"/admin/p/demo/members/{self.member}",
        }

    def of_guide(self) -> dict[str, str]:
        """By the name of the picture."""
        return {
            "home": "/admin/p/demo/",
            "first-run": "/admin/p/demo/first-run/try",
            "connections": f"/admin/p/demo/connections/{self.connection}",
            "promotions": "/admin/p/demo/programme/promotions/p_sweets",
            "clubs": "/admin/p/demo/programme/parts/clubs/",
            "members": f"/admin/p/demo/members/{self.member}?view=lots",
            "coupons": "/admin/p/demo/coupons/",
            "rewards": "/admin/p/demo/rewards/",
            "messages": "/admin/p/demo/messages/",
            "cashier": "/admin/p/demo/till/sale",
            "people": "/admin/p/demo/people/",
            "attention": "/admin/p/demo/attention/",
        }


def main() -> int:
    for folder in (PICTURES, GUIDE):
        folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        furnished(Path(place)) as (hub, shown),
        served(create_app(hub)) as address,
        chromium() as browser,
    ):
        for look in LOOKS:
            take(browser, address, shown, look)
        for language in ("en", "ru"):
            take_guide(browser, address, shown, language)
    return 0


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[Hub, Shown]]:
    """A hub with the demo, one account, and a shop that sent a few orders."""
    engine = make_engine(f"sqlite:///{folder / 'hub.db'}")
    migrate.upgrade(engine)
    hub = make_hub(
        engine,
        clock=FixedClock(NOW),
        registry=registry_of([CONNECTOR]),
        data_dir=folder,
        public_url="https://hub.example.ru",
        log_level="WARNING",
    )
    offer(hub, make_demo(hub, lambda done, of: None))
    with write(engine) as connection:
        create_admin(
            connection, login=LOGIN, password_hash=hash_password(PASSWORD), now=hub.clock.now()
        )
    try:
        yield hub, Shown(connect_shop(hub), busiest_member(hub))
    finally:
        engine.dispose()


def offer(hub: Hub, key: str) -> None:
    """Coupons, certificates and rewards in the rules, and a lot of codes."""
    now = hub.clock.now()
    with write(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        document = {**shop.rules(), **OFFERED}
        draft = draft_rules(connection, programme.id, document, author="demo", now=now)
        publish_rules(connection, programme.id, draft, author="demo", now=now)
    Door(create_app(hub), key).post(
        "/coupons/lots", {"lot": "may", "series": "spring", "count": 50}
    )


def connect_shop(hub: Hub) -> str:
    """A shop whose orders of members of the demo came in; its wire id."""
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    with WooShop(clock=hub.clock.now) as shop, served(create_app(hub)) as address:
        settings = {
            "base_url": shop.base_url,
            "consumer_key": shop.consumer_key,
            "consumer_secret": shop.consumer_secret,
            "webhook_secret": shop.webhook_secret,
            "shop": "online",
        }
        made = create_installation(
            hub,
            programme_id=programme.id,
            connector="wordpress",
            name="chay-lavka.example",
            settings=settings,
        )
        check_installation(hub, made.id)
        send_orders(hub, shop, programme.id, address + made.hooks["events"])
    update_settings(hub, made.id, {"base_url": "https://chay-lavka.example"})
    return made.id


def send_orders(hub: Hub, shop: WooShop, programme_id: int, hook: str) -> None:
    order = json.loads(ORDER.read_text("utf-8"))
    for number, member in enumerate(MEMBERS[:5], start=1042):
        billing = {**order["billing"], "phone": member.phone, "email": ""}
        changes = {"id": number, "number": str(number), "billing": billing, "refunds": []}
        shop.put_order({**order, **changes}, status="processing")
        shop.deliver("order.created", number, hook).raise_for_status()
        while process.work_batch(hub, programme_id):
            pass


def busiest_member(hub: Hub) -> str:
    """The wire id of a member with a ledger worth a look."""
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        found = find_members(
            connection, hub.plans, programme.id, phone=MEMBERS[0].phone, now=hub.clock.now()
        )
    return found[0].id


def take(browser: Browser, address: str, shown: Shown, look: Look) -> None:
    """All pages in one look."""
    with visit(
        browser, address, locale=look.language, width=look.width, dark=look.name == "dark"
    ) as (page, complaints):
        log_in(page)
        for title, path in shown.pages().items():
            page.goto(path)
            save(page, PICTURES / f"{look.language}-{title}-{look.name}.png")
    refuse(complaints)


def take_guide(browser: Browser, address: str, shown: Shown, language: str) -> None:
    """The pictures of the guide, in a smaller window."""
    with visit(browser, address, locale=language, width=1000) as (page, complaints):
        page.set_viewport_size({"width": 1000, "height": 640})
        log_in(page)
        for name, path in shown.of_guide().items():
            page.goto(path)
            save(page, GUIDE / f"{language}-{name}.png")
    refuse(complaints)


def log_in(page: Page) -> None:
    page.goto("/")
    page.locator("#login").fill(LOGIN)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/p/demo/")


def refuse(complaints: Complaints) -> None:
    if complaints.errors or complaints.violations:
        raise SystemExit(f"the browser complains: {complaints}")


def save(page: Page, path: Path) -> None:
    """What stands in the window; nothing moves and nothing blinks."""
    page.screenshot(path=path, animations="disabled", caret="hide")


if __name__ == "__main__":
    sys.exit(main())
