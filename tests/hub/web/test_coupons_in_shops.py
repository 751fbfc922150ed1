"""Coupons of the programme in a shop, on the pages: which go and why others do not, what the shop
did not take, and the setting beside the plugin."""

from __future__ import annotations

import html
import re

import pytest

from hub.app import create_app
from hub.pairing import offer_code, pair
from loyalty_core.service.admins import create_admin
from loyalty_core.store.database import write
from tests.hub.outbox.test_coupons import MAY, TENTH, Shop, rules
from tests.hub.web.conftest import Visitor, hashed_password
from tests.stand_ins.woocommerce import WooShop

JUNE = {"code": "june", "name": "Июнь"}
ON_TEA = {
    "id": "p_tea", "name": "Чай", "type": "percent_off", "coupon": "june",
    "params": {"percent": "5", "categories": ["tea"]},
}  # fmt: skip


@pytest.fixture
def shop(sqlite_engine):
    with WooShop() as woo:
        made = Shop(sqlite_engine, woo, rules(TENTH, ON_TEA, series=(MAY, JUNE)))
        with write(sqlite_engine) as connection:
            create_admin(
                connection, login="owner", password_hash=hashed_password(), now=made.clock.now()
            )
        yield made


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def visitor(shop, language):
    someone = Visitor(create_app(shop.hub).test_client(), language)
    assert someone.log_in().status_code == 302
    return someone


@pytest.mark.parametrize(
    ("language", "goes", "not_all", "taken"),
    [
        (
            "en",
            "Май yes",
            "Июнь No: It is not for all goods",
            "a coupon of its own under this code",
        ),
        ("ru", "Май да", "Июнь Нет: Действует не на все товары", "есть свой купон с таким кодом"),
    ],
)
def test_pages_tell_what_goes_and_what_the_shop_did_not_take(shop, language, goes, not_all, taken):
    (code,) = shop.lot("a")
    shop.woo.coupons[7] = {"id": 7, "code": code.lower(), "amount": "99.00", "meta_data": []}
    shop.drain()
    someone, here = visitor(shop, language), f"/admin/p/{shop.programme.code}"
    connection = words(someone.page(f"{here}/connections/{shop.home.id}"))
    assert goes in connection
    assert not_all in connection
    health = someone.page(f"{here}/connections/{shop.home.id}/health")
    assert taken in words(health)
    listed = someone.page(f"{here}/attention/?view=coupons")
    assert taken in words(listed)
    assert f"...{code[-4:]}" in listed
    assert "· Май" in listed
    assert code not in listed


def test_beside_the_plugin_the_box_is_refused_with_a_word(shop):
    code = offer_code(
        shop.hub, programme_id=shop.programme.id, connector="wordpress", installation=shop.home
    ).code
    pair(shop.hub, code, name="shop", settings={"base_url": shop.woo.base_url})
    form = f"/admin/p/{shop.programme.code}/connections/{shop.home.id}/settings"
    someone = visitor(shop, "ru")
    typed = {
        "base_url": shop.woo.base_url, "shop": "main", "coupons": "true", "backfill_days": "1",
        "earning_statuses": "completed", "more_earning_statuses": "", "on_delivery_methods": "cod",
    }  # fmt: skip
    answer = someone.send(form, form, _name="shop", **typed)
    assert answer.status_code == 422
    assert "Здесь не нужно: плагин магазина подключён" in words(answer.text)
