"""Members of another system are brought in from the command line."""

from __future__ import annotations

import csv
import json

import pytest
from sqlalchemy import func, select

from loyalty_core.store.database import read
from loyalty_core.store.tables import identities, members, outbox
from tests.support.moving import card, write_rows

HEAD = "Телефон;ФИО;Карта;Почта;Дата рождения;Пол;Город;Дата регистрации;Размер;Согласие"
ANNA = (
    "8 (916) 123-45-67;Петрова Анна Сергеевна;77-01;ANNA@example.com;14.03.1990;ж;Тверь;"
    "01.02.2020;42;да"
)
OLEG = "+79161234568;Сидоров Олег;7702;;;;;;;"


pytestmark = pytest.mark.usefixtures("on_engine")


def rows_of(file, delimiter=";"):
    with file.open(encoding="utf-8", newline="") as told:
        return list(csv.DictReader(told, delimiter=delimiter))


def count(engine, table):
    with read(engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def counts(told):
    names = ("rows", "new", "known", "rejected")
    return tuple(told.json[name] for name in names)


def test_r112_members_are_brought_in_with_all_that_is_known_of_them(demo, engine, tmp_path):
    file = write_rows(tmp_path / "old.csv", HEAD, ANNA, OLEG)
    words = ("import", "members", str(file), "--column", "attr.size=Размер", "--json")

    dry = demo(*words, "--dry-run")
    assert (dry.code, counts(dry)) == (0, (2, 2, 0, 0))
    assert dry.json["before"]["members"] == 0
    assert dry.json["after"]["members"] == 2
    assert count(engine, members) == 0, "a dry run writes nothing"

    done = demo(*words)
    assert (done.code, counts(done)) == (0, (2, 2, 0, 0))
    assert (done.json["before"], done.json["after"]) == (dry.json["before"], dry.json["after"])
    assert done.json["unused"] == ["Согласие"], "no consent is brought in without its proof"

    anna = card(engine, phone="+79161234567")
    assert (anna.name, anna.email, anna.cards) == (
        "Анна Сергеевна Петрова",
        "anna@example.com",
        ("7701",),
    )
    assert anna.profile == {
        "first_name": "Анна",
        "last_name": "Петрова",
        "middle_name": "Сергеевна",
        "birth_date": "1990-03-14",
        "gender": "ж",
        "city": "Тверь",
        "locale": None,
        "preferred_channel": None,
    }
    assert (anna.attributes, anna.consents) == ({"size": "42"}, {})
    assert anna.created_at.isoformat() == "2020-01-31T21:00:00+00:00", "midnight in Moscow"
    assert (anna.state, anna.source) == ("active", "import:old")
    assert card(engine, card="7702").phone == "+79161234568"


def test_r112_the_same_file_again_changes_nothing(demo, engine, tmp_path):
    file = write_rows(tmp_path / "old.csv", HEAD, ANNA, OLEG)
    assert demo("import", "members", str(file)).code == 0
    before = (card(engine, card="7701"), card(engine, card="7702"))

    again = demo("import", "members", str(file), "--json")

    assert counts(again) == (2, 0, 2, 0)
    assert (card(engine, card="7701"), card(engine, card="7702")) == before
    assert (count(engine, members), count(engine, identities)) == (2, 5)


def test_r112_what_is_blank_of_known_members_is_filled_in_and_nothing_is_changed(
    demo, engine, tmp_path
):
    first = write_rows(tmp_path / "old.csv", "phone,city", "+79161234567,Тверь")
    later = write_rows(
        tmp_path / "new.csv",
        "phone,city,first_name,card",
        "+79161234567,Омск,Анна,7701",
    )
    demo("import", "members", str(first))

    done = demo("import", "members", str(later), "--json")

    assert counts(done) == (1, 0, 1, 0)
    anna = card(engine, card="7701")
    assert (anna.phone, anna.name, anna.profile["city"]) == ("+79161234567", "Анна", "Тверь")


BAD = [
    (3, "twice", "names somebody, or a receipt, that line 2 names already"),
    (4, "phone", "has a phone that is none"),
    (5, "nameless", "names nobody: no phone, e-mail, card or id"),
    (6, "not_day", "has no date in birth_date"),
    (7, "email", "has an e-mail that is none"),
    (
        8,
        "digits_lost",
        "has a number in phone of which a spreadsheet kept a part: make the column a text there",
    ),
    (9, "columns", "has more cells than there are headings"),
    (10, "not_text", "has characters in city that are no text"),
    (11, "not_day", "has no date in birth_date"),
    (13, "twice", "names somebody, or a receipt, that line 12 names already"),
]


@pytest.fixture
def odd(tmp_path):
    return write_rows(
        tmp_path / "odd.csv",
        "phone;card;email;birth_date;city",
        "+79161234567;1;;;",
        "8 916 123 45 67;2;;;",
        "12;3;;;",
        ";;;;Тверь",
        "+79161234568;4;;31.02.1990;",
        "+79161234569;5;anna;;",
        "7.91612E+10;6;;;",
        "+79161234570;7;;;;moved",
        "+79161234571;8;;;Тв\x00ерь",
        "+79161234572;9;;01.01.2099;",
        "+79161234568;4;;;",
        ";1 0;anna@example.com;;",
        "+79161234573;10;;;",
    )


def test_r112_bad_rows_are_told_and_kept_and_the_others_go_in(demo, engine, odd, tmp_path):
    rejected = tmp_path / "rejected.csv"
    words = ("import", "members", str(odd), "--rejected", str(rejected), "--json")
    bad = [*BAD[:-1], (14, "twice", "names somebody, or a receipt, that line 13 names already")]

    dry = demo(*words, "--dry-run")
    assert (dry.code, counts(dry)) == (1, (13, 3, 0, 10))
    assert [(one["line"], one["code"], one["why"]) for one in dry.json["lines"]] == bad
    kept = rows_of(rejected)

    done = demo(*words)
    assert (done.code, counts(done), done.json["lines"]) == (1, (13, 3, 0, 10), dry.json["lines"])
    assert rows_of(rejected) == kept
    assert [row["rejected"] for row in kept] == [why for _, _, why in bad]
    assert kept[0]["phone"] == "8 916 123 45 67"
    assert rejected.stat().st_mode & 0o777 == 0o600
    assert count(engine, members) == 3
    assert card(engine, phone="+79161234568").cards == ("4",), "mended further down"


def test_r112_a_mended_file_of_rejected_rows_goes_in(demo, engine, tmp_path):
    file = write_rows(tmp_path / "old.csv", "phone,city", "12,=Тверь")
    rejected = tmp_path / "rejected.csv"
    demo("import", "members", str(file), "--rejected", str(rejected))
    assert "'=Тверь" in rejected.read_text("utf-8"), "a spreadsheet would reckon with it"
    rejected.write_text(rejected.read_text("utf-8").replace("12,", "+79161234567,"), "utf-8")

    done = demo("import", "members", str(rejected), "--json")

    assert counts(done) == (1, 1, 0, 0)
    assert card(engine, phone="+79161234567").profile["city"] == "=Тверь"


def test_r112_the_file_that_is_read_is_not_written_over(demo, tmp_path):
    file = write_rows(tmp_path / "old.csv", "phone", "12")

    refused = demo("import", "members", str(file), "--rejected", str(file))

    assert (refused.code, "a name of its own" in refused.err) == (2, True)
    assert file.read_text("utf-8") == "phone\n12\n"


def test_r112_a_row_that_names_two_members_is_left_to_a_person(demo, engine, tmp_path):
    first = write_rows(tmp_path / "old.csv", "phone,card", "+79161234567,1", "+79161234568,2")
    demo("import", "members", str(first))
    both = write_rows(tmp_path / "both.csv", "phone,card", "+79161234567,2")

    done = demo("import", "members", str(both), "--json")

    ids = sorted(card(engine, card=number).id for number in ("1", "2"))
    (line,) = done.json["lines"]
    assert (done.code, line["code"]) == (1, "several")
    assert line["why"] == f"names several members: {', '.join(ids)}"


def test_r112_columns_are_shown_and_kept_for_the_next_file(demo, tmp_path):
    first = write_rows(tmp_path / "a.csv", "Тел. моб;Откуда;ДР", "+79161234567;Тверь;01.02.1990")
    refused = demo("import", "members", str(first))
    assert (refused.code, "has no column phone" in refused.err) == (1, True)

    told = demo(
        "import", "members", str(first), "--column", "phone=Тел. моб", "--column", "city=Откуда"
    )
    assert "phone = Тел. моб (as you said)" in told.out
    assert "birth_date = ДР (guessed)" in told.out
    second = write_rows(tmp_path / "b.csv", "Откуда;Тел. моб", "Омск;+79161234568")
    next_time = demo("import", "members", str(second), "--language", "ru")
    assert "phone = Тел. моб (как в прошлый раз)" in next_time.out
    assert "новых участников: 1" in next_time.out

    for option in ("phone=Нет такого", "age=Откуда", "phone"):
        assert demo("import", "members", str(second), "--column", option).code in (1, 2)


def test_r112_ids_of_another_system_are_told_with_it(demo, engine, tmp_path):
    named = write_rows(tmp_path / "a.csv", "Код клиента,phone", "17,+79161234567")
    alone = write_rows(tmp_path / "b.csv", "external,phone", "crm:17,", "18,")

    assert demo("import", "members", str(named), "--system", "crm").code == 0
    done = demo("import", "members", str(alone), "--json")

    (external,) = card(engine, phone="+79161234567").externals
    assert (external.system, external.id) == ("crm", "17")
    assert counts(done) == (2, 0, 1, 1)
    assert done.json["lines"][0]["code"] == "no_system"


def test_r112_attributes_that_a_database_cannot_keep_are_refused(demo, engine, tmp_path):
    file = tmp_path / "old.csv"
    told = ['{"size": 42}', '{"a": "\\u0000"}', '{"a": NaN}', '{"a": "\\ud800"}', "[1]", "{"]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(
            [("card", "attributes"), *((number, one) for number, one in enumerate(told, 1))]
        )

    done = demo("import", "members", str(file), "--json")

    assert (counts(done), done.json["lines"][0]["code"]) == ((6, 1, 0, 5), "not_json")
    assert card(engine, card="1").attributes == {"size": 42}


# --- levels -----------------------------------------------------------------------------------


@pytest.fixture
def ladder(demo, tmp_path):
    """`ladder(tiering)` publishes three levels by spend."""

    def publish(**tiering):
        rules = demo("rules", "show").json
        rules["tiers"] = [
            {"code": "base", "name": "Базовый", "spend_from": "0"},
            {"code": "silver", "name": "Серебро", "spend_from": "1000"},
            {"code": "gold", "name": "Золото", "spend_from": "5000"},
        ]
        rules["tiering"] = tiering
        file = tmp_path / "rules.json"
        file.write_text(json.dumps(rules), "utf-8")
        assert demo("rules", "publish", str(file)).code == 0
        return demo

    return publish


def test_r112_a_level_follows_from_what_was_bought_before(ladder, engine, tmp_path):
    demo = ladder()
    file = write_rows(
        tmp_path / "old.csv",
        "Карта;Накоплено;Уровень;Последняя покупка",
        "1;1 500,00;Серебро;05.06.2024",
        "2;1500;Золото;05.06.2024",
        "3;;;",
        "4;1500;Платина;",
        "5;9000;;05.06.2024",
    )

    done = demo("import", "members", str(file), "--json")

    assert counts(done) == (5, 4, 0, 1)
    assert done.json["lines"][0]["why"] == "has a level that the rules lack: Платина"
    found = [card(engine, card=number) for number in ("1", "2", "3", "5")]
    assert [(one.tier.code, one.spent_minor) for one in found] == [
        ("silver", 150_000),
        ("gold", 500_000),
        ("base", 0),
        ("gold", 900_000),
    ]
    again = demo("import", "members", str(file), "--json")
    assert counts(again) == (5, 0, 4, 1)
    assert card(engine, card="1").spent_minor == 150_000, "counted once"
    assert count(engine, outbox) == 0, "nobody is told of a level that he has"
    recount = demo("tiers", "recount", "--dry-run", "--json")
    assert recount.json["moves"] == []


def test_r112_in_a_window_a_level_counts_as_reached_on_the_day_of_the_move(
    ladder, engine, tmp_path
):
    demo = ladder(window="month")
    file = write_rows(
        tmp_path / "old.csv", "card,tier,spent_before,last_purchase_at", "1,gold,100,2020-01-01"
    )

    demo("import", "members", str(file))

    one = card(engine, card="1")
    assert (one.tier.code, one.spent_minor) == ("gold", 500_000)
    assert one.tier.until is not None, "it falls when one that was reached here would"


def test_r112_a_level_by_purchases_cannot_be_carried_and_the_report_says_so(demo, engine, tmp_path):
    rules = demo("rules", "show").json
    rules["tiers"] = [{"code": "often", "name": "Часто", "count_from": 10}]
    rules["tiering"] = {"by": "purchases"}
    (tmp_path / "rules.json").write_text(json.dumps(rules), "utf-8")
    assert demo("rules", "publish", str(tmp_path / "rules.json")).code == 0
    file = write_rows(tmp_path / "old.csv", "card,tier", "1,often")

    done = demo("import", "members", str(file), "--json")

    assert (counts(done), done.json["tier_not_reached"]) == ((1, 1, 0, 0), 1)
    assert card(engine, card="1").tier is None


def test_shops_are_told_the_balance_of_known_members_whom_a_file_names_to_them(
    demo, engine, tmp_path
):
    demo("import", "members", str(write_rows(tmp_path / "a.csv", HEAD, ANNA, OLEG)), "--json")
    rows = ("external,phone", "17,+79161234567", "18,+79160000000")
    file = write_rows(tmp_path / "b.csv", *rows)
    done = demo("import", "members", str(file), "--system", "installation:5", "--json")
    assert counts(done) == (2, 1, 1, 0)

    with read(engine) as connection:
        told = connection.execute(select(outbox.c.kind, outbox.c.payload)).all()
    anna = card(engine, phone="+79161234567")
    assert [tuple(row) for row in told] == [("balance_changed", {"member": anna.id})]
