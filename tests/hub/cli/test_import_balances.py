"""Balances of another system are brought in, once."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from hub.clock import SystemClock
from loyalty_core.service.merge_members import merge_members
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.accounts import open_lots
from loyalty_core.store.database import read, write
from loyalty_core.store.ids import from_wire
from loyalty_core.store.tables import entries
from tests.support.moving import card, write_rows

pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def base(demo, tmp_path):
    """The command line, with members of the cards 1 to 3; the first one has a phone too."""
    file = write_rows(tmp_path / "base.csv", "card,phone", "1,+79161234567", "2,", "3,")
    assert demo("import", "members", str(file)).code == 0
    return demo


def lots_of(engine, member):
    with read(engine) as connection:
        found = open_lots(connection, from_wire("m", member.id))
    return [(lot["free"], lot["expires_at"] and lot["expires_at"].isoformat()) for lot in found]


def sums(told):
    names = ("points_in_file", "points_taken", "points_known", "points_rejected", "points_forgiven")
    return tuple(told.json[name] for name in names)


def test_r112_balances_become_lots_with_their_dates_and_the_totals_agree(base, engine, tmp_path):
    file = write_rows(
        tmp_path / "old.csv",
        "Карта;Баланс;Дата сгорания;Активны с",
        "1;1 234,50;31.12.2098;",
        "1;100;никогда;",
        "2;50,5;31.12.2098;01.12.2098",
        "3;0;;",
        "4;7;;",
    )
    words = ("import", "balances", str(file), "--json")

    told = base(*words[:-1], "--dry-run", "--language", "ru").out
    assert "  будет загружено: 3\n" in told
    assert "  будет загружено: 1385.00\n" in told
    dry = base(*words, "--dry-run")
    done = base(*words)

    assert sums(dry) == sums(done) == ("1392.00", "1385.00", "0.00", "7.00", "0.00")
    assert [(one["line"], one["code"]) for one in done.json["lines"]] == [(6, "nobody")]
    assert (dry.json["before"]["points"], dry.json["after"]["points"]) == ("0.00", "1385.00")
    assert (done.json["before"], done.json["after"]) == (dry.json["before"], dry.json["after"])
    one, two = card(engine, card="1"), card(engine, card="2")
    assert lots_of(engine, one) == [
        (123_450, "2098-12-31T21:00:00+00:00"),
        (10_000, None),
    ]
    assert (one.balance.available, two.balance.pending) == (133_450, 5_050)
    assert base("ledger", "verify").code == 0


def test_r112_the_same_balances_again_book_nothing_whatever_the_members_became(
    base, engine, tmp_path
):
    file = write_rows(tmp_path / "old.csv", "card,points", "1,100", "2,50")
    assert base("import", "balances", str(file)).code == 0

    again = base("import", "balances", str(file), "--json")
    assert sums(again) == ("150.00", "0.00", "150.00", "0.00", "0.00")
    mended = write_rows(tmp_path / "old.csv", "card,points", "1,100", "2,60", "3,5")
    third = base("import", "balances", str(mended), "--json")

    assert sums(third) == ("165.00", "5.00", "100.00", "60.00", "0.00")
    (line,) = third.json["lines"]
    assert line["why"] == "was brought in before with 50.00 points"
    gift = write_rows(tmp_path / "gift.csv", "card,points", "1,100", "2,60", "3,6")
    other = base("import", "balances", str(gift), "--besides", "--json")
    assert sums(other)[1] == "166.00", "it comes on top"
    with write(engine) as connection:
        programme = get_programme(connection, "demo")
        pair = {"into": card(engine, card="2").id, "from_": card(engine, card="1").id}
        now = SystemClock().now()
        merge_members(connection, PlanCache(), programme.id, **pair, author="anna", now=now)
    merged = base("import", "balances", str(file), "--json", "--dry-run")
    assert (merged.json["points_taken"], merged.json["points_known"]) == ("0.00", "105.00")


def test_r112_a_lot_told_twice_is_listed_and_a_word_of_its_own_lets_it_in(base, engine, tmp_path):
    file = write_rows(tmp_path / "old.csv", "card,phone,points", "1,,10", ",+79161234567,20")

    twice = base("import", "balances", str(file), "--json", "--dry-run")
    assert [(one["line"], one["code"]) for one in twice.json["lines"]] == [(3, "same_lot")]
    assert sums(twice) == ("30.00", "10.00", "0.00", "20.00", "0.00")

    apart = write_rows(
        tmp_path / "old.csv", "card,phone,points,row", "1,,10,a", ",+79161234567,20,b"
    )
    assert sums(base("import", "balances", str(apart), "--json"))[1] == "30.00"
    assert card(engine, card="1").balance.available == 3_000


def test_r112_no_key_of_the_ledger_names_the_person(base, engine, tmp_path):
    file = write_rows(tmp_path / "old.csv", "phone,points,row", "+79161234567,10,79161234567")
    base("import", "balances", str(file))

    with read(engine) as connection:
        keys = list(connection.scalars(select(entries.c.key)))
    assert len(keys) == 1
    assert "9161234567" not in keys[0]


@pytest.mark.parametrize(
    ("policies", "debt", "forgiven"),
    [
        ({"negative_balance": "clamp"}, 0, "150.00"),
        ({"negative_balance": "allow"}, 15_000, "0.00"),
        ({"negative_balance": "allow", "most_debt": "100"}, 10_000, "50.00"),
    ],
)
def test_r112_balances_below_zero_go_by_the_policy(
    base, engine, tmp_path, policies, debt, forgiven
):
    rules = base("rules", "show").json
    rules.setdefault("policies", {}).update(policies)
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert base("rules", "publish", str(tmp_path / "rules.json")).code == 0
    file = write_rows(tmp_path / "old.csv", "card,points", "1,-150", "2,40")
    words = ("import", "balances", str(file), "--json")

    dry, done = base(*words, "--dry-run"), base(*words)

    assert sums(dry) == sums(done)
    assert (done.json["points_in_file"], done.json["points_forgiven"]) == ("-110.00", forgiven)
    assert card(engine, card="1").balance.debt == debt
    assert done.json["after"] == dry.json["after"]
    again = base(*words)
    assert card(engine, card="1").balance.debt == debt
    assert again.json["points_taken"] == "0.00"
    assert base("ledger", "verify").code == 0


def test_r112_bad_balances_are_told(base, tmp_path):
    file = write_rows(
        tmp_path / "old.csv",
        "card;points;expires_at;spendable_from;currency",
        "1;1,234;;;",
        "1;10;01.01.2020;;",
        "1;10;someday;;",
        "1;10;31.12.2098;01.01.2099;",
        "1;10;;;miles",
        "1;;;;",
        "1;10;31.12.9999;;",
        "1;10;;01.01.0001;",
    )

    done = base("import", "balances", str(file), "--json")

    assert [one["code"] for one in done.json["lines"]] == [
        "not_amount",
        "expired",
        "not_day",
        "ends_first",
        "no_currency",
        "not_amount",
        "not_day",
        "not_day",
    ]
    assert (done.code, done.json["taken"]) == (1, 0)
