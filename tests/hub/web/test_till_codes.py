"""The cashier page with coupons and gift certificates: taken, sold, counted where wrong."""

from __future__ import annotations

import re

import pytest

from loyalty_core.service.admins import create_admin
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read, write
from tests.hub.api.client import Caller, new_key
from tests.hub.web.conftest import add_programme, hashed_password
from tests.support.clock import NOON
from tests.support.hub import make_hub

HERE = "/admin/p/demo/till"
TEA = {"name": "Tea", "sku": "", "quantity": "1", "price": "1000", "sells": ""}
NOTHING = {"name": "", "sku": "", "quantity": "1", "price": "", "sells": ""}
TRIES = 10
"""Ten times what one member has an hour, which is one here."""


@pytest.fixture
def hub(pages_engine):
    hub = make_hub(pages_engine, coupon_guesses=1)
    with write(pages_engine) as connection:
        add_programme(connection, "demo", "Tea")
        create_admin(connection, login="owner", password_hash=hashed_password(), now=NOON)
    return hub


@pytest.fixture
def api(hub, app) -> Caller:
    """A tenth off for a coupon; certificates of 600.00."""
    with read(hub.engine) as connection:
        programme = get_programme(connection, "demo")
    caller = Caller(app, new_key(hub, programme.id).key)
    rules = caller.get("/programmes/demo/rules").get_json()
    rules["coupons"] = [{"code": "spring", "name": "Spring"}]
    rules["certificates"] = [{"code": "gift", "name": "Gift", "top_up": True, "life_days": 365}]
    tenth = {"id": "p", "name": "Spring tenth", "type": "percent_off", "coupon": "spring"}
    rules["promotions"] = [{**tenth, "params": {"percent": "10"}}]
    draft = caller.put("/programmes/demo/rules", rules).get_json()["draft"]
    assert caller.post("/programmes/demo/rules/publish", {"draft": draft}).status_code == 200
    hub.clock.advance(seconds=1)
    return caller


@pytest.fixture
def coupon(api) -> str:
    body = {"lot": "spring", "series": "spring", "count": 1}
    (code,) = api.post("/coupons/lots", body).get_json()["codes"]
    return code


def certificate(api, *, loaded: bool) -> str:
    body = {"lot": f"gifts-{loaded}", "series": "gift", "count": 1, "nominal": "600.00"}
    (code,) = api.post("/certificates/lots", {**body, "loaded": loaded}).get_json()["codes"]
    return code


def money(api, code: str) -> tuple[str, str]:
    seen = api.post("/certificates/check", {"code": code}).get_json()
    return seen["state"], seen["balance"]


def sale(visitor, do: str, line=TEA, *, key: str = "a" * 32, mode: str = "real", **more):
    form = {"key": key, "mode": mode, "shop": "main", "do": do, **line, **more}
    return visitor.send(f"{HERE}/sale", f"{HERE}/sale", **form)


def figure(page: str, name: str) -> str:
    found = re.search(rf'data-figure="{name}">([^<]+)<', page)
    return "" if found is None else found.group(1).replace("\xa0", " ")


def test_a_coupon_and_a_certificate_pay_and_come_back(owner, api, coupon):
    gift = certificate(api, loaded=True)
    page = sale(owner, "enter", entered=coupon.lower()).text
    assert figure(page, "to-pay") == "900.00 ₽"
    assert "Spring tenth" in page
    page = sale(owner, "enter", coupon=coupon.lower(), entered=gift).text
    assert (figure(page, "certificates"), figure(page, "to-pay")) == ("−600.00 ₽", "300.00 ₽")
    assert "left on it: 0.00" in page
    codes = {"coupon": coupon, "certificate": gift}
    another = sale(owner, "sell", **codes, shown="90000/0/90000")
    assert (another.status_code, "The price is another now" in another.text) == (422, True)
    assert money(api, gift) == ("active", "600.00")

    receipt = sale(owner, "sell", **codes, shown="90000/0/30000").location
    page = owner.page(receipt)
    assert (figure(page, "paid"), figure(page, "money")) == ("900.00 ₽", "300.00 ₽")
    assert figure(page, "certificate") == "−600.00 ₽"
    assert money(api, gift) == ("spent", "0.00")
    assert gift not in page, "the slip shows the end of a code"
    spent = sale(owner, "price", **codes, key="b" * 32).text
    assert "The coupon has been used." in spent
    assert "There is no money left on the certificate." in spent

    form = {"key": "c" * 32, "back-1": "1"}
    assert "goes back onto them" in owner.page(f"{receipt}/refund")
    owner.send(f"{receipt}/refund", f"{receipt}/refund", **form)
    assert money(api, gift) == ("active", "600.00")


def test_the_training_uses_no_code_up(owner, api, coupon):
    gift = certificate(api, loaded=True)
    owner.send(f"{HERE}/", f"{HERE}/training", training="on")
    codes = {"coupon": coupon, "certificate": gift, "mode": "training"}

    done = sale(owner, "sell", **codes, shown="90000/0/30000").text

    assert (figure(done, "money"), "Training" in done) == ("300.00 ₽", True)
    assert money(api, gift) == ("active", "600.00")
    assert api.get(f"/coupons/{coupon}").get_json()["state"] == "active"


def test_a_certificate_is_sold_for_its_own_price_and_once(owner, api):
    gift = certificate(api, loaded=False)
    page = sale(owner, "enter", NOTHING, entered=gift).text
    assert "Nobody has paid for it yet" in page
    page = sale(owner, "sell-0", NOTHING, certificate=gift).text
    assert (f'name="sells" value="{gift}"' in page, figure(page, "to-pay")) == (True, "600.00 ₽")
    line = {**TEA, "name": "Gift", "sells": gift}
    assert sale(owner, "sell", {**line, "price": "1"}, shown="100/0/100").status_code == 422
    assert money(api, gift) == ("issued", "0.00")

    assert sale(owner, "sell", line, shown="60000/0/60000").status_code == 302
    assert money(api, gift) == ("active", "600.00")
    again = sale(owner, "sell", line, key="b" * 32, shown="60000/0/60000")
    assert (again.status_code, "is sold already" in again.text) == (422, True)
    assert money(api, gift) == ("active", "600.00")


def test_whoever_tries_codes_is_stopped_and_a_right_one_looks_the_same(owner, api, coupon):
    gift = certificate(api, loaded=True)
    wrong = sale(owner, "enter", entered="AAAAA").text
    assert "There is no such code." in wrong
    for number in range(TRIES):
        assert sale(owner, "price", coupon=f"AAAA{number}").status_code == 200

    for code in ("AAAAA", coupon, gift):
        told = sale(owner, "enter", entered=code)
        assert (told.status_code, "Too many wrong attempts" in told.text) == (422, True)
        assert 'data-figure="to-pay">1,000.00' in told.text, "the sale goes on without it"
    for codes in ({"coupon": coupon}, {"certificate": gift}):
        told = sale(owner, "sell", **codes, shown="90000/0/90000")
        assert (told.status_code, "Too many wrong attempts" in told.text) == (422, True)
        assert "to-pay" not in told.text
    assert sale(owner, "sell", shown="100000/0/100000").status_code == 302
    assert money(api, gift) == ("active", "600.00")


def test_a_sale_of_a_certificate_that_is_sent_twice_is_booked_once(owner, api):
    gift = certificate(api, loaded=False)
    line = {**TEA, "name": "Gift", "price": "600", "sells": gift}
    receipt = sale(owner, "sell", line, shown="60000/0/60000").location

    assert sale(owner, "sell", line, shown="60000/0/60000").location == receipt
    assert "not booked twice" in owner.page(receipt)
    assert money(api, gift) == ("active", "600.00")


def test_one_receipt_sells_a_certificate_once(owner, api):
    gift = certificate(api, loaded=False)
    twice = {
        "name": ["Gift", "Gift"],
        "sku": ["", ""],
        "quantity": ["1", "1"],
        "price": ["600", "600"],
        "sells": [gift, gift.lower()],
    }
    for do in ("price", "sell"):
        told = sale(owner, do, twice, shown="120000/0/120000")
        assert "is sold already" in told.text, do
    assert money(api, gift) == ("issued", "0.00")


def test_codes_without_goods_are_no_receipt(owner, api, coupon):
    told = sale(owner, "sell", NOTHING, coupon=coupon, shown="0/0/0")

    assert (told.status_code, "Add what is sold first" in told.text) == (422, True)


QR = "t=20260314T1210&s=640.00&fn=9282440300637519&i=54321&fp=3456789012&n=1"


@pytest.mark.parametrize("receipt", ["", QR], ids=["goods", "a paid receipt"])
def test_codes_that_are_tried_by_selling_them_count_too(owner, api, receipt):
    gift = certificate(api, loaded=False)
    for number in range(TRIES + 1):
        sale(owner, "sell-0", NOTHING, certificate=f"AAAA{number}", receipt=receipt)

    told = sale(owner, "sell-0", NOTHING, certificate=gift)
    assert (told.status_code, "Too many wrong attempts" in told.text) == (422, True)
    assert f'name="sells" value="{gift}"' not in told.text


def test_a_certificate_that_is_typed_twice_is_taken_once(owner, api):
    gift = certificate(api, loaded=True)
    page = sale(owner, "enter", certificate=gift, entered=gift.lower()).text

    assert (page.count('name="certificate"'), "no such code" in page) == (1, False)


def test_a_certificate_that_was_paid_with_is_not_taken_back_for_money(owner, api):
    gift = certificate(api, loaded=False)
    line = {**TEA, "name": "Gift", "price": "600", "sells": gift}
    receipt = sale(owner, "sell", line, shown="60000/0/60000").location
    tea = {**TEA, "price": "100"}
    paid = sale(owner, "sell", tea, key="b" * 32, certificate=gift, shown="10000/0/0")
    assert paid.status_code == 302

    back = {"key": "c" * 32, "back-1": "1"}
    told = owner.send(f"{receipt}/refund", f"{receipt}/refund", **back)
    assert (told.status_code, "So much of it is not left" in told.text) == (422, True)
    assert money(api, gift) == ("active", "500.00")

    back["back-1"] = "0.5"
    assert owner.send(f"{receipt}/refund", f"{receipt}/refund", **back).status_code == 302
    assert money(api, gift) == ("active", "200.00")
