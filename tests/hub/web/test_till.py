"""The cashier page: bound shops, receipts by QR code, misses that are counted; second factors."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlalchemy import select

from hub.till import Till
from hub.till_words import Back, Sale, Shown
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.staff import Grant, Role
from loyalty_core.service.admins import create_admin, find_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.service.record_events import Incoming, record_events
from loyalty_core.service.shops import NewShop, create_shop
from loyalty_core.service.source import Source
from loyalty_core.service.staff import set_post
from loyalty_core.store import ids
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.tables import purchases, refunds, shops
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import FiscalSign, Purchase, PurchaseLine
from tests.hub.web.conftest import PASSWORD, add_programme, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub

HERE = "/admin/p/demo/till"
TEA = {"name": "Чай", "sku": "", "quantity": "1", "price": "100", "sells": ""}
SALE = {"mode": "real", "do": "sell", **TEA}
QR = "t=20260314T1210&s=640.00&fn=9282440300637519&i=54321&fp=3456789012&n=1"


@pytest.fixture
def cashier(hub, visitor):
    """Nina sells in the shop `south` alone."""
    with write(hub.engine) as connection:
        programme = get_programme(connection, "demo")
        create_shop(connection, programme.id, NewShop("south"), now=NOON)
        create_admin(
            connection, login="nina", password_hash=hashed_password(), now=NOON, grant=None
        )
        grant = Grant(Role.CASHIER, shops=("south",))
        set_post(connection, "nina", programme.id, grant, author="test", now=NOON)
    nina = visitor()
    assert nina.log_in("nina").status_code == 302
    return nina


def sell(visitor, key: str, shop: str, **more: str):
    return visitor.send(
        f"{HERE}/sale", f"{HERE}/sale", **{**SALE, "key": key, "shop": shop, **more}
    )


def booked(hub) -> list[tuple[str, int]]:
    """The shop of each receipt, and what was paid."""
    query = select(shops.c.code, purchases.c.paid_minor).join(
        shops, shops.c.id == purchases.c.shop_id
    )
    with read(hub.engine) as connection:
        return [tuple(row) for row in connection.execute(query.order_by(purchases.c.id))]


def test_a_cashier_sells_and_takes_back_in_the_own_shop_alone(hub, owner, cashier):
    assert sell(cashier, "a" * 32, "main", shown="10000/0/10000").status_code == 400
    assert booked(hub) == []
    assert sell(cashier, "a" * 32, "south", shown="10000/0/10000").status_code == 302
    elsewhere = sell(owner, "b" * 32, "main", shown="10000/0/10000").location
    assert booked(hub) == [("south", 10000), ("main", 10000)]

    for path in (elsewhere, f"{elsewhere}/refund"):
        assert cashier.get(path).status_code == 404
    assert elsewhere not in cashier.page(f"{HERE}/")
    assert elsewhere in owner.page(f"{HERE}/")


def returns(hub) -> list[int]:
    """What each return paid back."""
    with read(hub.engine) as connection:
        told = connection.scalars(select(refunds.c.document).order_by(refunds.c.id))
        return [one["amount_minor"] for one in told]


def test_a_return_that_is_sent_twice_is_booked_once(hub, owner):
    receipt = sell(owner, "a" * 32, "main", shown="30000/0/30000", quantity="3").location
    form = {"key": "c" * 32, "back-1": "2"}
    assert owner.send(f"{receipt}/refund", f"{receipt}/refund", **form).location == receipt
    hub.clock.advance(seconds=1)
    assert owner.send(f"{receipt}/refund", f"{receipt}/refund", **form).location == receipt
    assert "not booked twice" in owner.page(receipt)
    assert returns(hub) == [20000]

    more = owner.send(f"{receipt}/refund", f"{receipt}/refund", **{**form, "key": "d" * 32})
    assert (more.status_code, "So much of it is not left" in more.text) == (422, True)
    assert returns(hub) == [20000]


def sold_to(page: str) -> list[str]:
    """The receipts that the page leads to."""
    return re.findall(rf'href="({HERE}/receipts/p_\w+)"', page)


def test_goods_come_back_on_a_later_day(hub, owner, visitor, monkeypatch):
    """Sold on 14 March at 23:30 in Moscow, brought back two days later."""
    # Ids tell the day, and rise within one process: another test's clock may have been far ahead.
    monkeypatch.setattr(ids, "_last", 0)
    hub.clock.advance(hours=8, minutes=30)
    owner.send(f"{HERE}/", f"{HERE}/enrol", phone="+79161234567")
    member = owner.send(f"{HERE}/", f"{HERE}/find", q="+79161234567").location.partition("=")[2]
    receipt = sell(owner, "a" * 32, "main", member=member, shown="10000/0/10000").location
    hub.clock.advance(days=2)
    anew = visitor()
    anew.log_in()

    assert sold_to(anew.page(f"{HERE}/")) == []
    assert sold_to(anew.page(f"{HERE}/?day=2026-03-15")) == []
    assert sold_to(anew.page(f"{HERE}/?day=2026-03-14")) == [receipt]
    for odd in ("0001-01-01", "9999-12-31", "14.03.2026", "", "2026-02-31"):
        assert sold_to(anew.page(f"{HERE}/?day={odd}&after=p_x")) == []
    assert sold_to(anew.page(f"/admin/p/demo/members/{member}?view=purchases")) == [receipt]
    anew.send(f"{receipt}/refund", f"{receipt}/refund", key="c" * 32, **{"back-1": "1"})
    assert returns(hub) == [10000]


def test_all_receipts_of_a_day_are_reached(hub, owner):
    """Two pages: 50 receipts, and the two before them."""
    with read(hub.engine) as connection:
        programme, admin = get_programme(connection, "demo"), find_admin(connection, "owner")
    till = Till(hub, programme, admin, Grant(Role.OWNER), training=False, now=NOON)
    for number in range(52):
        line = BasketLine("1", 1000, 1_00 + number)
        price = Shown(line.amount_minor, 0, line.amount_minor)
        till.sell(Sale(f"s{number}", "main", (line,), shown=price))

    first = owner.page(f"{HERE}/")
    older = re.search(rf'href="({HERE}/\?[^"]+)">Show older', first)
    assert older is not None
    second = owner.page(html.unescape(older.group(1)))

    assert (len(sold_to(first)), len(sold_to(second))) == (50, 2)
    assert len({*sold_to(first), *sold_to(second)}) == 52
    assert "Show older" not in second


@pytest.mark.parametrize("same", [True, False], ids=["one return twice", "two cashiers"])
def test_returns_at_once_pay_back_what_was_paid(postgres_engine, same: bool):
    """The whole receipt comes back; whoever is second is told that nothing is left."""
    hub = make_hub(postgres_engine)
    with write(postgres_engine) as connection:
        add_programme(connection, "demo", "Чайная лавка")
        create_admin(connection, login="owner", password_hash="-", now=NOON)
        programme = get_programme(connection, "demo")
        owner = find_admin(connection, "owner")
    till = Till(hub, programme, owner, Grant(Role.OWNER), training=False, now=NOON)
    line = BasketLine("1", 1000, 100_00)

    def bring_back(purchase: str, key: str) -> bool:
        try:
            return not till.take_back(purchase, (Back("1", 1000),), key).again
        except InvalidInput:
            return False

    with ThreadPoolExecutor(2) as pool:
        for turn in range(8):
            sold = till.sell(Sale(f"s{turn}", "main", (line,), shown=Shown(100_00, 0, 100_00)))
            names = [f"r{turn}-{0 if same else one}" for one in range(2)]
            done = [pool.submit(bring_back, sold.purchase["id"], name) for name in names]
            assert sorted(one.result(timeout=60) for one in done) == [False, True]
    assert returns(hub) == [100_00] * 8


def test_a_price_that_nobody_saw_is_not_booked(hub, owner):
    seen = sell(owner, "a" * 32, "main")
    assert (seen.status_code, 'value="10000/0/10000"' in seen.text) == (200, True)
    changed = sell(owner, "a" * 32, "main", shown="9000/0/9000")
    assert (changed.status_code, "The price is another now" in changed.text) == (422, True)
    assert booked(hub) == []


def test_a_form_of_the_training_books_nothing_once_it_is_over(hub, owner):
    page = sell(owner, "a" * 32, "main", mode="training", shown="10000/0/10000")
    assert (page.status_code, "Nothing was booked" in page.text) == (422, True)
    assert booked(hub) == []


def test_a_paid_receipt_by_its_qr_code_earns_once(hub, owner):
    member = owner.send(f"{HERE}/", f"{HERE}/enrol", phone="+79160000005").location
    who = member.partition("member=")[2]
    paper = {"name": "", "price": "", "receipt": QR, "member": who}

    first = sell(owner, "a" * 32, "main", **paper)
    again = sell(owner, "b" * 32, "main", **paper)
    # 5 % of 640.00 are 32 points.
    assert re.search(r'data-figure="available">32<', owner.page(first.location))
    assert "known already" in owner.page(again.location)
    assert 'data-figure="available">32<' in owner.page(f"{HERE}/sale?member={who}")
    wrong = sell(owner, "c" * 32, "main", **{**paper, "receipt": "", "scan": f"{QR}&x=1"})
    assert (wrong.status_code, "not the QR code" in wrong.text) == (422, True)
    future = QR.replace("20260314", "20260414")
    ahead = sell(owner, "c" * 32, "main", **{**paper, "receipt": "", "scan": future})
    assert "has not come yet" in ahead.text


@pytest.mark.parametrize("day", ["00010101", "19691231", "22000101", "99991231"])
@pytest.mark.parametrize("field", ["scan", "receipt"])
def test_a_receipt_of_a_time_that_nobody_takes_is_refused_beside_the_field(hub, owner, day, field):
    paper = {"name": "", "price": "", field: QR.replace("20260314", day)}
    told = sell(owner, "a" * 32, "main", **paper)

    assert told.status_code == 422
    assert 'aria-describedby="wrong-scan"' in told.text
    assert booked(hub) == []


def test_a_price_of_very_many_digits_was_seen_by_nobody(hub, owner):
    told = sell(owner, "a" * 32, "main", shown=f"{'9' * 5000}/0/10000")

    assert (told.status_code, 'value="10000/0/10000"' in told.text) == (200, True)
    assert sell(owner, "a" * 32, "main", do=f"sell-{'9' * 5000}").status_code == 200
    assert booked(hub) == []


def told_by_the_shop(hub) -> None:
    """The receipt of the QR code, in the shop's own words: 600.00 of tea, 40.00 of cups."""
    with read(hub.engine) as connection:
        shop = Source(get_programme(connection, "demo").id, "own", default_shop="main")
    tea, cups = PurchaseLine("a", 2000, 600_00, 600_00), PurchaseLine("b", 4000, 40_00, 40_00)
    sign = FiscalSign("9282440300637519", "54321", "3456789012")
    receipt = Purchase("no-7", NOON, (tea, cups), fiscal=(sign,))
    transact(hub.engine, lambda c: record_events(c, hub.plans, [Incoming(shop, receipt)], now=NOON))


def test_a_receipt_that_its_own_shop_told_of_first_comes_back_once(hub, owner):
    told_by_the_shop(hub)
    paper = {"name": "", "price": "", "receipt": QR}
    scanned = sell(owner, "a" * 32, "main", **paper).location

    half = {"key": "c" * 32, "back-1": "0.5"}
    assert owner.send(f"{scanned}/refund", f"{scanned}/refund", **half).status_code == 302
    assert "taken back: 0.5" in owner.page(f"{scanned}/refund")
    rest = {"key": "d" * 32, "back-1": "0.5"}
    owner.send(f"{scanned}/refund", f"{scanned}/refund", **rest)
    assert "Take goods back" not in owner.page(scanned)
    assert returns(hub) == [320_00, 320_00]

    again = sell(owner, "b" * 32, "main", **paper).location
    assert "Take goods back" not in owner.page(again), "its goods are back already"


@pytest.mark.parametrize(
    ("asked", "phone", "card"),
    [
        ("Smirnova", "", ""),
        ("anna@example.org", "", ""),
        ("7700-1", "", "7700-1"),
        ("+7 916 123-45-67", "+7 916 123-45-67", ""),
    ],
)
def test_who_is_not_found_is_enrolled_by_what_was_typed_if_that_is_a_number(
    owner, asked, phone, card
):
    page = owner.send(f"{HERE}/", f"{HERE}/find", q=asked).text
    shown = dict(re.findall(r'name="(phone|card)"[^>]*?value="([^"]*)"', page))
    assert shown == {"phone": phone, "card": card}


def test_who_looks_for_people_at_random_is_stopped(hub, owner):
    token = re.search(r'name="csrf_token" value="([^"]+)"', owner.page(f"{HERE}/"))
    assert token is not None
    statuses = {
        owner.client.post(
            f"{HERE}/find", data={"csrf_token": token.group(1), "q": f"card-{number}"}
        ).status_code
        for number in range(10 * hub.config.coupon_guesses + 2)
    }
    assert statuses == {200, 429}


def test_a_role_that_must_have_a_second_factor_is_led_to_it(hub, owner, cashier):
    people = "/admin/p/demo/people"
    owner.send(f"{people}/", f"{people}/second-factor", roles="cashier")
    assert cashier.get(f"{HERE}/").location == "/admin/account/second-factor/demanded"
    assert "asks for a second factor" in cashier.page(f"{HERE}/")
    assert owner.get(f"{HERE}/").status_code == 200


def test_shops_are_for_nobody_who_owns_and_must_be_there(owner):
    people = "/admin/p/demo/people"
    nina = {"login": "nina", "day_points": ""}
    for role, shop, said in (
        ("owner", "main", "An owner is not bound to shops."),
        ("cashier", "north", "There is no shop north."),
    ):
        page = owner.send(f"{people}/", f"{people}/invite", **nina, role=role, shops=shop)
        assert (page.status_code, said in page.text) == (422, True)
    made = owner.send(f"{people}/", f"{people}/invite", **nina, role="cashier", shops="Main")
    assert (made.status_code, "Shops:" in made.text) == (200, True)


def test_codes_of_the_second_factor_are_guessed_five_times(hub, owner, visitor):
    page = owner.page("/admin/account/second-factor")
    secret = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page)
    assert secret is not None
    code = totp(secret.group(1), NOON.timestamp())
    path = "/admin/account/second-factor"
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    done = owner.client.post(
        path, data={"csrf_token": token.group(1), "code": code, "password": PASSWORD}
    )
    assert "recovery codes" in done.text

    someone = visitor()
    assert someone.log_in().location == "/admin/login/code"
    statuses = [
        someone.send("/admin/login/code", "/admin/login/code", code=wrong).status_code
        for wrong in ["00000x"] * 5 + [totp(secret.group(1), NOON.timestamp() + 30)]
    ]
    assert statuses == [401] * 5 + [429]
    assert someone.get("/admin/p/demo/").status_code == 302


def totp(secret: str, at: float) -> str:
    return pyotp.TOTP(secret.replace(" ", "")).at(int(at))


def test_a_full_receipt_loses_no_line(owner):
    """Fifty lines and the empty one behind them; one more is told of, and can be taken off."""
    full = {
        "name": ["Чай"] * 50 + [""],
        "sku": [""] * 51,
        "quantity": ["1"] * 51,
        "price": ["100"] * 50 + [""],
        "sells": [""] * 51,
    }
    assert "5,000.00" in sell(owner, "a" * 32, "main", **{**full, "do": "price"}).text
    more = sell(owner, "a" * 32, "main", **{**full, "do": "add", "scan": "Мёд"})
    assert (more.status_code, "takes no more lines" in more.text) == (422, True)
    assert more.text.count('value="Чай"') == 50
    columns = {name: [*column, column[-1]] for name, column in full.items()}
    columns["name"][50] = "Мёд"
    assert "5,000.00" in sell(owner, "a" * 32, "main", **{**columns, "do": "drop-50"}).text
