"""A parallel run: the old system's balances against ours, day by day."""

from __future__ import annotations

import csv
import json

import pytest

from tests.support.moving import card, write_rows

pytestmark = pytest.mark.usefixtures("on_engine")


@pytest.fixture
def base(demo, tmp_path):
    """Members 1 to 3, of whom two have 100 and 50 points."""
    write_rows(tmp_path / "members.csv", "card", "1", "2", "3")
    write_rows(tmp_path / "balances.csv", "card,points", "1,100", "2,50")
    assert demo("import", "members", str(tmp_path / "members.csv")).code == 0
    assert demo("import", "balances", str(tmp_path / "balances.csv")).code == 0
    return demo


def test_r112_balances_are_compared_day_by_day(base, engine, tmp_path):
    first = write_rows(
        tmp_path / "a.csv", "card,points", "1,60", "1,40", "2,45", "3,10", "9,7", "1,"
    )
    second = write_rows(tmp_path / "b.csv", "Карта;Остаток", "1;100", "2;50")
    out = tmp_path / "differences.csv"

    apart = base("import", "compare", str(first), "--on", "2098-06-01", "--out", str(out), "--json")
    assert apart.code == 1
    told = {name: apart.json[name] for name in ("members", "differing", "theirs", "ours", "apart")}
    assert told == {
        "members": 3,
        "differing": 2,
        "theirs": "155.00",
        "ours": "150.00",
        "apart": "15.00",
    }
    assert (apart.json["unknown_rows"], apart.json["unknown"]) == (1, "7.00")
    assert [(one["line"], one["code"]) for one in apart.json["lines"]] == [
        (6, "nobody"),
        (7, "not_amount"),
    ]
    two, three = (card(engine, card=number).id for number in ("2", "3"))
    wanted = [
        _difference(two, "45.00", "50.00", "5.00"),
        _difference(three, "10.00", "0.00", "-10.00"),
    ]
    assert sorted(apart.json["differences"], key=lambda one: one["theirs"], reverse=True) == wanted
    with out.open(encoding="utf-8", newline="") as file:
        assert sorted(csv.DictReader(file), key=lambda one: one["theirs"], reverse=True) == wanted
    assert out.stat().st_mode & 0o777 == 0o600

    equal = base("import", "compare", str(second), "--on", "2098-06-02", "--language", "ru")
    assert equal.code == 0
    assert "2098-06-02: участников 3, баланс расходится у 0." in equal.out
    history = base("import", "compare", "--history", "--json").json
    assert [(one["day"], one["differing"], one["apart"]) for one in history] == [
        ("2098-06-01", 2, "15.00"),
        ("2098-06-02", 0, "0.00"),
    ]


def _difference(member, theirs, ours, difference, currency="points"):
    return {
        "member": member,
        "currency": currency,
        "theirs": theirs,
        "ours": ours,
        "difference": difference,
    }


def test_r112_currencies_of_points_are_compared_apart(base, engine, tmp_path):
    rules = base("rules", "show").json
    rules["currencies"] = [
        {"code": "points", "name": "Баллы"},
        {"code": "miles", "name": "Мили"},
        {"code": "stars", "name": "Звёзды"},
    ]
    assert base("rules", "publish", "-", stdin=json.dumps(rules)).code == 0
    miles = write_rows(tmp_path / "miles.csv", "card,points,currency", "1,7,miles", "2,3,stars")
    assert base("import", "balances", str(miles)).code == 0
    told = write_rows(
        tmp_path / "a.csv",
        "card,points,currency",
        "1,100,",
        "1,5,miles",
        "2,50,points",
        "3,1,miles",
        "9,4,miles",
        "1,1,pebbles",
    )

    apart = base("import", "compare", str(told), "--on", "2098-06-01", "--json")

    assert apart.code == 1
    assert (apart.json["differing"], apart.json["theirs"], apart.json["ours"]) == (
        0,
        "150.00",
        "150.00",
    )
    assert [(one["line"], one["code"]) for one in apart.json["lines"]] == [
        (6, "nobody"),
        (7, "no_currency"),
    ]
    one, three = (card(engine, card=number).id for number in ("1", "3"))
    assert sorted(apart.json["differences"], key=lambda one: one["theirs"]) == [
        _difference(three, "1.00", "0.00", "-1.00", "miles"),
        _difference(one, "5.00", "7.00", "2.00", "miles"),
    ]
    history = base("import", "compare", "--history", "--json").json
    names = ("currency", "differing", "theirs", "ours", "apart", "unknown")
    assert [tuple(day[name] for name in names) for day in history] == [
        ("points", 0, "150.00", "150.00", "0.00", "0.00"),
        ("miles", 2, "6.00", "7.00", "3.00", "4.00"),
    ]
    (tmp_path / "a.csv").write_text("card,points,currency\n1,100,\n2,50,\n1,7,miles\n")
    equal = base("import", "compare", str(told), "--on", "2098-06-02", "--language", "ru")
    assert equal.code == 0
    assert "miles: баланс расходится у 0; там 7.00, здесь 7.00" in equal.out


def test_r112_a_day_that_is_over_is_compared_as_it_was(base, tmp_path):
    """What was brought in since was not there then."""
    file = write_rows(tmp_path / "a.csv", "card,points", "1,0")

    told = base("import", "compare", str(file), "--on", "2020-01-01", "--json")

    assert (told.code, told.json["ours"], told.json["differing"]) == (0, "0.00", 0)
    again = base("import", "compare", str(file), "--on", "2020-01-01", "--json")
    assert len(base("import", "compare", "--history", "--json").json) == 1, "the newest stays"
    assert again.json == told.json


def test_r112_a_day_to_come_is_compared_as_things_stand(base, tmp_path):
    file = write_rows(tmp_path / "a.csv", "card,points", "1,100", "2,50")

    told = base("import", "compare", str(file), "--on", "9999-12-31", "--json")

    assert (told.code, told.json["ours"], told.json["differing"]) == (0, "150.00", 0)


def test_r112_compare_wants_a_file_with_its_day_or_the_history(base, tmp_path):
    file = write_rows(tmp_path / "a.csv", "card,points", "1,0")

    for words in ((), (str(file),), (str(file), "--on", "yesterday"), (str(file), "--history")):
        assert base("import", "compare", *words).code == 2
