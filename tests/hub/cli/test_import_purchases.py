"""Receipts of before the hub: they count, and move no points."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from loyalty_core.store.database import read
from loyalty_core.store.tables import entries, outbox, purchase_lines, purchases
from tests.support.moving import card, write_rows

HEAD = "Номер чека;Дата чека;Карта;Артикул;Товар;Количество;Сумма"


pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def base(demo, tmp_path):
    """A programme with two levels and two members."""
    rules = demo("rules", "show").json
    rules["tiers"] = [
        {"code": "base", "name": "Базовый", "spend_from": "0"},
        {"code": "gold", "name": "Золото", "spend_from": "1000"},
    ]
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(tmp_path / "rules.json")).code == 0
    assert (
        demo("import", "members", str(write_rows(tmp_path / "m.csv", "card", "1", "2"))).code == 0
    )
    return demo


def count(engine, table):
    with read(engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def test_r112_receipts_count_for_tiers_and_move_no_points(base, engine, tmp_path):
    file = write_rows(
        tmp_path / "old.csv",
        HEAD,
        "17;05.06.2024 12:30;1;tea;Чай;2;700,00",
        "17;05.06.2024 12:30;1;cup;Чашка;1;500,00",
        "18;06.06.2024;2;tea;Чай;0,5;100",
        "19;06.06.2024;;tea;Чай;1;350",
    )
    words = ("import", "purchases", str(file), "--json")

    dry, done = base(*words, "--dry-run"), base(*words)

    for told in (dry, done):
        assert told.code == 0
        assert (told.json["rows"], told.json["taken"], told.json["taken_receipts"]) == (4, 4, 3)
        assert (told.json["money_taken"], told.json["receipts_of_nobody"]) == ("1650.00", 1)
    one = card(engine, card="1")
    assert (one.tier.code, one.spent_minor, one.balance.available) == ("gold", 120_000, 0)
    assert (count(engine, purchases), count(engine, purchase_lines)) == (3, 4)
    assert (count(engine, entries), count(engine, outbox)) == (0, 0)
    again = base(*words)
    assert (again.json["taken"], again.json["known"]) == (0, 4)
    assert card(engine, card="1").spent_minor == 120_000
    assert base("tiers", "recount", "--dry-run", "--json").json["moves"] == []


def test_r112_a_receipt_with_a_bad_line_is_left_out_whole(base, engine, tmp_path):
    file = write_rows(
        tmp_path / "old.csv",
        HEAD,
        "17;05.06.2024;1;tea;Чай;2;700",
        "17;05.06.2024;1;cup;Чашка;1;-500",
        "18;05.06.2024;9;tea;Чай;1;100",
        ";05.06.2024;1;tea;Чай;1;100",
        "19;05.06.2099;1;tea;Чай;1;100",
        "20;05.06.2024;1;tea;Чай;1;100",
        "21;05.06.2024;1;tea;Чай;1;100",
        "20;05.06.2024;1;tea;Чай;1;100",
    )

    done = base("import", "purchases", str(file), "--json")

    assert [(one["line"], one["code"]) for one in done.json["lines"]] == [
        (2, "negative"),
        (3, "negative"),
        (4, "nobody"),
        (5, "no_receipt"),
        (6, "ahead"),
        (9, "twice"),
    ]
    assert done.json["money_in_file"] == "800.00"
    assert (done.json["money_taken"], done.json["money_rejected"]) == ("200.00", "600.00")
    assert card(engine, card="1").spent_minor == 20_000


def test_r112_receipts_of_before_are_no_past_sales_of_the_rules(base, tmp_path):
    """What a draft would have given is asked of receipts that the hub itself rated."""
    file = write_rows(tmp_path / "old.csv", HEAD, "17;05.06.2024;1;tea;Чай;2;700")
    base("import", "purchases", str(file))
    rules = base("rules", "show").json
    rules["earning"]["percent"] = "50"
    assert base("rules", "draft", "-", stdin=json.dumps(rules)).code == 0
    days = ("--from", "2024-06-05", "--to", "2024-06-05")

    told = base("rules", "simulate", "--draft", "3", *days, "--json")

    assert told.json["receipts"] == 0


def test_r112_receipts_of_one_number_behind_each_other_are_parted_by_shop_and_day(
    base, engine, tmp_path
):
    assert base("shops", "create", "north").code == 0
    file = write_rows(
        tmp_path / "old.csv",
        f"{HEAD};Магазин",
        "17;05.06.2024 12:30;1;tea;Чай;2;700;",
        "17;;;cup;Чашка;1;500;",
        "17;2024-06-06;1;tea;Чай;1;100;",
        "17;06.06.2024;2;tea;Чай;1;200;north",
        "18;06.06.2024 10:00;1;tea;Чай;1;10;",
        "18;06.06.2024 10:00;2;tea;Чай;1;20;",
        "19;06.06.2024 10:00;1;tea;Чай;1;10;",
        "19;06.06.2024 10:01;1;tea;Чай;1;20;",
        "20;06.06.2024;1;tea;Чай;1;10;",
        "20;06/06/2024;1;tea;Чай;1;20;",
    )

    done = base("import", "purchases", str(file), "--json")

    assert (done.json["taken_receipts"], done.json["money_taken"]) == (3, "1500.00")
    assert [(one["line"], one["why"]) for one in done.json["lines"]] == [
        (6, "is of a receipt whose rows say different things in card"),
        (7, "is of a receipt whose rows say different things in card"),
        (8, "is of a receipt whose rows say different things in bought_at"),
        (9, "is of a receipt whose rows say different things in bought_at"),
        (10, "has no date in bought_at"),
        (11, "has no date in bought_at"),
    ]
    assert (card(engine, card="1").spent_minor, card(engine, card="2").spent_minor) == (
        130_000,
        20_000,
    )
