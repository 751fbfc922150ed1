"""Quotes: a whole answer in time, or a degraded one; never nothing."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from hub.app import create_app
from hub.web.api import render_quote
from loyalty_core.store.tables import metadata
from loyalty_kit import checkout as words
from loyalty_kit.checkout_schema import dump_quote
from tests.hub.api.bodies import ANNA, a_basket, a_line, a_purchase
from tests.hub.api.client import Caller, code_of, new_key, new_programme
from tests.support.hub import make_hub


def rows(engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_a_basket_of_a_known_member(shop):
    shop.post("/purchases", a_purchase(lines=[a_line(amount="10000.00", paid="10000.00")]))

    quote = shop.post(
        "/quotes", a_basket(member={"phone": ANNA, "verified": True}, spend="100.00")
    ).get_json()

    assert quote["degraded"] is False
    assert quote["rules_version"] == 1
    assert quote["member"]["balance"] == {
        "available": "500.00",
        "pending": "0.00",
        "held": "0.00",
        "debt": "0.00",
    }
    assert quote["totals"] == {
        "amount": "1000.00",
        "discount": "0.00",
        "spend": "100.00",
        "payable": "900.00",
        "certificates": "0.00",
        "to_pay": "900.00",
    }
    assert quote["points"]["earn"] == "45.00"
    assert quote["points"]["spend_max"] == "300.00"
    assert [line["id"] for line in quote["lines"]] == ["1"]


def test_nobody_is_shown_to_somebody_who_only_typed_a_phone(shop):
    shop.post("/members", {"phone": ANNA, "first_name": "Anna"})

    member = shop.post("/quotes", a_basket(channel="online", member={"phone": ANNA})).get_json()[
        "member"
    ]

    assert member["verified"] is False
    assert member["name"] is None
    assert member["balance"] is None


def test_an_unknown_member_is_no_error(shop):
    answer = shop.post("/quotes", a_basket(member={"phone": ANNA}))

    assert answer.status_code == 200
    assert answer.get_json()["member"] is None


def test_a_quote_writes_nothing(shop, engine):
    before = rows(engine)
    shop.post("/quotes", a_basket(cart="c-1", member={"phone": ANNA}))

    assert rows(engine) == before


@pytest.fixture
def hurried(postgres_engine, clock, tmp_path):
    """A hub on PostgreSQL that waits 0.2 s for a quote; its caller has called once."""
    hub = make_hub(postgres_engine, clock=clock, data_dir=tmp_path, quote_deadline_ms=200)
    caller = Caller(create_app(hub), new_key(hub, new_programme(hub, "shop")).key)
    deadline = time.monotonic() + 30
    while caller.post("/quotes", a_basket()).get_json().get("degraded", True):
        assert time.monotonic() < deadline, "no quote in time on a slow machine"
    yield hub, caller
    caller.app.extensions["loyalty_api"].prompt.close()


def test_a_locked_table_degrades_the_quote_and_refuses_the_hold(hurried):
    hub, caller = hurried
    with hub.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE programmes, shops, members, rules_versions"))
        began = time.monotonic()
        answer = caller.post("/quotes", a_basket(spend="max"))
        took = time.monotonic() - began

    quote = answer.get_json()
    assert answer.status_code == 200
    assert quote["degraded"] is True
    assert quote["totals"]["payable"] == "1000.00"
    assert quote["points"]["spend"] == "0.00"
    assert took < 5


def test_a_key_that_cannot_be_checked_still_gets_base_prices(hurried, clock):
    hub, caller = hurried
    clock.advance(minutes=1)
    with hub.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE api_keys"))
        known = caller.post("/quotes", a_basket())
        unknown = Caller(caller.app, "lh_unknown").post("/quotes", a_basket())

    assert known.get_json()["degraded"] is True
    assert code_of(unknown) == (503, "try_again")
    assert unknown.headers["Retry-After"]


def test_a_read_that_was_given_up_leaves_the_database_alone(hurried):
    hub, caller = hurried
    stuck = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    with hub.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE programmes, shops, members, rules_versions"))
        caller.post("/quotes", a_basket())
        deadline = time.monotonic() + 10
        while other.execute(stuck).scalar_one():
            assert time.monotonic() < deadline, "the given up read still waits for the lock"


def test_a_broken_database_degrades_quotes_and_refuses_all_else(hub, shop, engine):
    assert shop.post("/quotes", a_basket()).status_code == 200
    with engine.begin() as connection:
        for table in ("shops", "programmes"):
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))

    quote = shop.post("/quotes", a_basket()).get_json()
    other = shop.get("/programmes")

    assert quote["degraded"] is True
    assert code_of(other) in [(503, "try_again"), (500, "internal_error")]
    assert "SELECT" not in other.get_data(as_text=True)
    reason = {"reason": "database"}
    assert hub.metrics.registry.get_sample_value("hub_quotes_degraded_total", reason) == 1


def test_plain_functions_write_what_the_schema_says():
    balance = words.Balance("points", 50000, 100, 0, 0)
    quote = words.Quote(
        id="q_1",
        rules_version=3,
        valid_until=datetime(2026, 3, 14, 15, 57, tzinfo=UTC),
        member=words.MemberView(
            "m_1", True, "Анна", words.TierView("silver", "Серебро"), balance, (balance,)
        ),
        lines=(
            words.PricedLine(
                id="1",
                amount_minor=39800,
                discount_minor=3980,
                spend_minor=10000,
                payable_minor=25820,
                earn_points=1200,
                unit_price_minor=12910,
                discounts=(words.LineDiscount("p_1", "Чай", 3980),),
                trace=("amount 398.00",),
                parts=(words.LinePart(1000, 12910, 12910),),
                barred="exclusive",
            ),
            words.PricedLine("2", 0, 0, 0, 0, 0),
        ),
        totals=words.Totals(39800, 3980, 10000, 25820),
        points=words.PointsOffer(
            1200, 10000, 0, 17900, 100, True, (words.EarnedOther("miles", 300),)
        ),
        coupons=(words.CodeAnswer("SPRING", "applied"),),
        certificates=(
            words.CertificateAnswer("G", "rejected", "unknown_code", "?"),
            words.CertificateAnswer("H", "applied", amount_minor=820, left_minor=0),
        ),
        benefits=(words.Benefit("p_3", "free_delivery", "Доставка"), words.Benefit(None, "m", "M")),
        gifts=(words.Gift("p_4", "CUP-1", "Кружка", 2000),),
        offers=(words.Offer("exclusive", "p_5", "Редкий чай", skus=("RARE",), list="l"),),
        explanation=(words.Explanation("p_2", "Кофе", False, "no", {"missing": "1.00"}, "Нет"),),
    )

    assert render_quote.quote(quote) == dump_quote(quote)
