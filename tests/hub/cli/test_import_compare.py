"""A parallel run: the old system's balances against ours, day by day."""

from __future__ import annotations

import csv

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
        {"member": two, "theirs": "45.00", "ours": "50.00", "difference": "5.00"},
        {"member": three, "theirs": "10.00", "ours": "0.00", "difference": "-10.00"},
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


def test_r112_a_day_that_is_over_is_compared_as_it_was(base, tmp_path):
    """What was brought in since was not there then."""
    file = write_rows(tmp_path / "a.csv", "card,points", "1,0")

    told = base("import", "compare", str(file), "--on", "2020-01-01", "--json")

    assert (told.code, told.json["ours"], told.json["differing"]) == (0, "0.00", 0)
    again = base("import", "compare", str(file), "--on", "2020-01-01", "--json")
    assert len(base("import", "compare", "--history", "--json").json) == 1, "the newest stays"
    assert again.json == told.json


def test_r112_compare_wants_a_file_with_its_day_or_the_history(base, tmp_path):
    file = write_rows(tmp_path / "a.csv", "card,points", "1,0")

    for words in ((), (str(file),), (str(file), "--on", "yesterday"), (str(file), "--history")):
        assert base("import", "compare", *words).code == 2
