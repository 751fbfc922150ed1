"""Many coupons at once: a shop is asked of them slice by slice, whatever ends a worker between."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hub.installations import update_settings
from hub.outbox import coupons
from loyalty_core.domain.coupon_codes import told
from loyalty_core.store import coupon_pushes as pushes
from loyalty_core.store.database import read
from loyalty_core.store.tables import coupon_pushes
from tests.hub.outbox.test_coupons import TENTH, Shop, rules


class _Killed(BaseException):
    """What a worker that is killed leaves to do for nobody."""


def asked(shop):
    """How often each coupon was asked for."""
    with read(shop.hub.engine) as connection:
        rows = connection.execute(select(coupon_pushes.c.code, coupon_pushes.c.asked))
        return {told(code).lower(): times for code, times in rows}


def test_a_shop_is_asked_of_many_coupons_slice_by_slice_each_once(engine, woo, monkeypatch):
    """A turn goes through two codes of the programme; a worker is killed over the second two."""
    monkeypatch.setattr(coupons, "SLICE", 2)
    shop = Shop(engine, woo, coupons="false")
    codes = sorted(code.lower() for code in shop.lot("a", 5))
    update_settings(shop.hub, shop.home.id, {"coupons": "true"})
    assert coupons.push_batch(shop.hub, shop.programme.id) == 2
    assert sorted(shop.codes()) == codes[:2]

    asks = pushes.ask_of_series

    def killed(*args, **kwargs):
        asks(*args, **kwargs)
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(pushes, "ask_of_series", killed)
        with pytest.raises(_Killed):
            coupons.push_batch(shop.hub, shop.programme.id)
    assert coupons.push_batch(shop.hub, shop.programme.id) == 0, "its lease is not over"
    shop.drain(minutes=6)
    assert asked(shop) == dict.fromkeys(codes, 1)
    assert sorted(shop.codes()) == codes
    assert shop.writes() == ["POST"] * 5
    shop.drain()
    assert asked(shop) == dict.fromkeys(codes, 1), "nothing changed"


def test_rules_that_change_on_the_way_and_back_reach_every_coupon(sqlite_engine, woo, monkeypatch):
    monkeypatch.setattr(coupons, "SLICE", 2)
    shop = Shop(sqlite_engine, woo)
    codes = sorted(code.lower() for code in shop.lot("a", 5))
    shop.drain()
    shop.rules(rules({**TENTH, "params": {"percent": "15"}}))
    shop.clock.advance(minutes=1)
    coupons.push_batch(shop.hub, shop.programme.id)
    assert [shop.codes()[code] for code in codes] == ["15.00"] * 2 + ["10.00"] * 3

    shop.rules(rules(TENTH))
    shop.drain()
    assert set(shop.codes().values()) == {"10.00"}
    shop.rules(rules({**TENTH, "params": {"percent": "15"}}))
    shop.clock.advance(minutes=1)
    coupons.push_batch(shop.hub, shop.programme.id)
    shop.set(coupons="false")
    shop.set(coupons="true")
    assert shop.codes() == dict.fromkeys(codes, "15.00")


def test_what_a_shop_has_is_taken_back_slice_by_slice(sqlite_engine, woo, monkeypatch):
    monkeypatch.setattr(coupons, "SLICE", 2)
    shop = Shop(sqlite_engine, woo)
    codes = sorted(code.lower() for code in shop.lot("a", 5))
    shop.drain()
    shop.lot("b")
    update_settings(shop.hub, shop.home.id, {"coupons": "false"})
    coupons.push_batch(shop.hub, shop.programme.id)
    assert 0 < len(shop.codes()) < len(codes), "a slice of them"
    shop.drain()
    assert (shop.codes(), asked(shop)) == ({}, {})
