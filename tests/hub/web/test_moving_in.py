"""A base moves in by the console: members, their balances, their receipts of before."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from hub import uploads as service
from hub.import_columns import DEFAULT
from loyalty_core.service.import_balances import BalancesImport
from loyalty_core.service.members import find_members
from loyalty_core.service.programmes import get_programme
from loyalty_core.store import imports
from loyalty_core.store.database import read
from loyalty_core.store.tables import entries, members, purchases
from tests.support.pages import figure
from tests.support.uploads import Killed, checked, press, send, taken, worked_off

HERE = "/admin/p/demo"
MEMBERS = f"{HERE}/members/import"
BALANCES = f"{HERE}/members/balances/import"
RECEIPTS = f"{HERE}/members/receipts/import"
PEOPLE = (
    "Телефон;ФИО;Карта;Комментарий\n"
    "8 916 123 45 67;Проба Анна;1001;любит чай\n"
    "нет;;;\n"
    ";Пробов Иван;1002;\n"
)
POINTS = (
    "Карта;Баланс;Дата сгорания\n"
    "1001;1 250,50;31.12.2098\n"
    "1002;много;\n"
    "1002;49,50;никогда\n"
    "7777;10;\n"
)
"""One of no sum, and one of nobody."""


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.fixture
def base(owner, hub, programme_id):
    """Two members are in."""
    return taken(owner, hub, programme_id, MEMBERS, PEOPLE, name="clients.csv")


def figures(page, *names):
    return tuple(figure(page, name) for name in names)


def rows_of(hub, table):
    with read(hub.engine) as connection:
        return connection.scalars(select(func.count()).select_from(table)).one()


def card_of(hub, programme_id, card):
    with read(hub.engine) as connection:
        (one,) = find_members(connection, hub.plans, programme_id, card=card, now=hub.clock.now())
    return one


def chosen(page):
    """What each column of the file is taken for, by its heading."""
    found = re.findall(
        r'for="column-\d+">([^<]+?)(?: <span[^>]*>\(([^<]+)\)</span>)?</label>', page
    )
    words = [
        re.search(r'<option value="([^"]*)" selected', select_)
        for select_ in re.findall(r"<select[^>]*column-.*?</select>", page, re.DOTALL)
    ]
    return {
        name: (word[1] if word else "", how) for (name, how), word in zip(found, words, strict=True)
    }


def test_r112_members_come_in_after_a_check_of_what_columns_mean(owner, hub, programme_id):
    page = checked(owner, hub, programme_id, MEMBERS, PEOPLE, name="clients.csv")

    assert figures(page, "rows", "new", "known", "rejected") == ("3", "2", "0", "1")
    assert "Members: 0 now, 2 then" in page
    assert "Line 3: names nobody: no phone, e-mail, card or id" in page
    assert chosen(page) == {
        "Телефон": ("phone", "guessed"),
        "ФИО": ("name", "guessed"),
        "Карта": ("card", "guessed"),
        "Комментарий": ("", ""),
    }
    assert rows_of(hub, members) == 0

    press(owner, MEMBERS, "begin")
    worked_off(hub, programme_id)
    page = owner.page(MEMBERS)
    assert 'data-stage="done"' in page
    assert figures(page, "new", "rejected") == ("2", "1")
    assert "Members: 0 before, 2 after" in page
    assert card_of(hub, programme_id, "1001").name == "Анна Проба"
    log = owner.page(f"{HERE}/log/")
    assert "File brought in" in log
    assert "Members" in log


def test_a_day_beyond_the_calendar_is_refused_with_its_line(owner, hub, programme_id, base):
    points = "Карта;Баланс;Дата сгорания\n1001;10;31.12.2098\n1002;20;31.12.9999\n"
    page = checked(owner, hub, programme_id, BALANCES, points, name="points.csv")

    assert figures(page, "rows", "taken", "rejected") == ("2", "1", "1")
    assert "Line 3: has no date in “Дата сгорания”" in page


def test_r112_balances_come_in_and_their_points_stand_in_the_report(owner, hub, programme_id, base):
    page = checked(owner, hub, programme_id, BALANCES, POINTS, name="points.csv")

    told = ("rows", "taken", "rejected", "points_in_file", "points_taken", "points_rejected")
    assert figures(page, *told) == ("4", "2", "2", "1,310", "1,300", "10")
    assert "Points: 0 now, 1,300 then" in page
    assert "Line 3: has no sum in “Баланс”" in page
    assert "Line 5: names nobody who is known" in page
    assert rows_of(hub, entries) == 0

    assert (page.count("to bring in<"), page.count("brought in<")) == (2, 0)

    press(owner, BALANCES, "begin")
    worked_off(hub, programme_id)
    page = owner.page(BALANCES)
    assert (page.count("to bring in<"), page.count("brought in<")) == (0, 2)
    assert figures(page, *told) == ("4", "2", "2", "1,310", "1,300", "10")
    assert card_of(hub, programme_id, "1001").balance.available == 1250_50
    assert "Points: 0 before, 1,300 after" in page

    again = taken(owner, hub, programme_id, BALANCES, POINTS, name="points.csv")
    assert figures(again, "taken", "known", "points_known") == ("0", "2", "1,300")
    assert card_of(hub, programme_id, "1002").balance.available == 49_50


def test_receipts_of_before_come_in_and_move_no_points(owner, hub, programme_id, base):
    text = (
        "Номер чека;Дата чека;Карта;Артикул;Сумма\n"
        "17;05.06.2024 12:30;1001;tea;700,00\n"
        "17;05.06.2024 12:30;1001;cup;500,00\n"
        "18;06.06.2024;1002;tea;сто\n"
    )
    page = taken(owner, hub, programme_id, RECEIPTS, text, name="receipts.csv")

    assert figures(page, "rows", "taken", "rejected", "taken_receipts") == ("3", "2", "1", "1")
    assert figure(page, "money_taken") == "1,200.00 ₽"
    assert (rows_of(hub, purchases), rows_of(hub, entries)) == (1, 0)


def test_a_column_of_an_unusual_name_is_said_once_and_kept(owner, hub, programme_id):
    text = "Связь;Клуб\n8 916 123 45 67;Чай\n"
    assert send(owner, MEMBERS, text, name="odd.csv").status_code == 302
    assert service.claim(hub, programme_id) is None, "nobody knows yet how to read it"
    page = owner.page(MEMBERS)
    assert "Say below which column is this: phone, e-mail, card or number" in page
    assert f"{MEMBERS}/begin" not in page
    press(owner, MEMBERS, "begin")
    assert 'data-stage="checked"' in owner.page(MEMBERS)

    twice = press(owner, MEMBERS, "columns", **{"column-0": "phone", "column-1": "phone"})
    assert (twice.status_code, "Two columns are “phone”: leave one." in twice.text) == (422, True)
    said = {"column-0": "phone", "column-1": "attr.Клуб"}
    assert press(owner, MEMBERS, "columns", **said).status_code == 302
    worked_off(hub, programme_id)
    page = owner.page(MEMBERS)
    assert chosen(page)["Связь"] == ("phone", "as you said")
    assert figures(page, "new", "rejected") == ("1", "0")

    press(owner, MEMBERS, "begin")
    worked_off(hub, programme_id)
    with read(hub.engine) as connection:
        kept = imports.kept_columns(connection, programme_id, "members", DEFAULT)
        (attributes,) = connection.scalars(select(members.c.attributes))
    assert kept == [("phone", "Связь"), ("attr.Клуб", "Клуб")]
    assert attributes == {"Клуб": "Чай"}
    more = checked(owner, hub, programme_id, MEMBERS, "Связь\n8 916 123 45 68\n", name="more.csv")
    assert chosen(more) == {"Связь": ("phone", "as last time")}


@pytest.fixture
def killed_after_a_portion(owner, hub, programme_id, base, monkeypatch):
    """Balances of which two rows are in, and a worker that is no more."""
    monkeypatch.setattr("hub.import_columns.PORTION", 2)
    checked(owner, hub, programme_id, BALANCES, POINTS, name="points.csv")
    press(owner, BALANCES, "begin")
    take, taken_ = BalancesImport.take, []

    def killed(self, connection, rows, **said):
        taken_.append(rows)
        report = take(self, connection, rows, **said)
        if len(taken_) == 2:
            raise Killed
        return report

    with monkeypatch.context() as patch:
        patch.setattr(BalancesImport, "take", killed)
        with pytest.raises(Killed):
            worked_off(hub, programme_id)


def test_r112_another_worker_goes_on_behind_the_last_portion(
    owner, hub, programme_id, killed_after_a_portion
):
    assert "2 of about 4 lines" in owner.page(BALANCES)
    hub.clock.advance(minutes=2)
    slow = service.claim(hub, programme_id)
    hub.clock.advance(minutes=2)
    worked_off(hub, programme_id)
    service.work_off(hub, slow)

    page = owner.page(BALANCES)
    assert 'data-stage="done"' in page
    told = ("rows", "taken", "known", "rejected", "points_taken")
    assert figures(page, *told) == ("4", "2", "0", "2", "1,300")
    assert "Points: 0 before, 1,300 after" in page
    assert re.findall(r"Line \d", page) == ["Line 3", "Line 5"]
    assert rows_of(hub, entries) == 2


def test_a_base_that_was_stopped_begins_anew_and_finds_what_is_in(
    owner, hub, programme_id, killed_after_a_portion
):
    press(owner, BALANCES, "stop")
    page = taken(owner, hub, programme_id, BALANCES, POINTS, name="points.csv")

    assert figures(page, "taken", "known", "rejected") == ("1", "1", "2")
    assert re.findall(r"Line \d", page) == ["Line 3", "Line 5"], "those of before too"
    assert rows_of(hub, entries) == 2


def test_what_somebody_else_brings_in_meanwhile_is_told_and_books_nothing_twice(
    owner, hub, programme_id, killed_after_a_portion
):
    """The command line takes the same import on from where the worker was killed."""
    with read(hub.engine) as connection:
        kept = imports.find_import(connection, programme_id, "balances", "points")
    kept.position, kept.state = 4, imports.DONE
    with hub.engine.begin() as connection:
        imports.keep_import(connection, kept)
    hub.clock.advance(minutes=2)
    worked_off(hub, programme_id)

    page = owner.page(BALANCES)
    assert 'data-stage="failed"' in page
    assert "Somebody else is bringing in the same file." in page
    assert rows_of(hub, entries) == 1


def test_a_file_under_another_name_is_refused_and_a_second_base_comes_on_top(
    owner, hub, programme_id, base
):
    other = send(owner, MEMBERS, PEOPLE, name="again.csv")
    assert (other.status_code, "already as “clients”" in other.text) == (422, True)
    assert "Проба" not in other.text, "a page of trouble names nobody"
    long = send(owner, MEMBERS, PEOPLE, name="a.csv", system="x" * 101)
    assert (long.status_code, "At most 100 characters." in long.text) == (422, True)

    taken(owner, hub, programme_id, BALANCES, "Карта;Баланс\n1001;10\n", name="one.csv")
    second = "Карта;Баланс;Сгорают\n1001;5;никогда\n"
    page = checked(owner, hub, programme_id, BALANCES, second, name="two.csv")
    assert "tick “On top of earlier files”" in page
    page = taken(owner, hub, programme_id, BALANCES, second, name="two.csv", besides="yes")
    assert figures(page, "taken", "rejected") == ("1", "0")
    assert card_of(hub, programme_id, "1001").balance.available == 15_00


def test_numbers_of_another_system_are_read_where_it_is_named(owner, hub, programme_id):
    text = "Код клиента;Телефон\n5;8 916 123 45 67\n"
    page = checked(owner, hub, programme_id, MEMBERS, text, name="crm.csv", system="crm")
    assert chosen(page)["Код клиента"] == ("external", "guessed")
    press(owner, MEMBERS, "begin")
    worked_off(hub, programme_id)

    points = "external;points\ncrm:5;7\n"
    page = taken(owner, hub, programme_id, BALANCES, points, name="crm.csv")
    assert figures(page, "taken", "rejected") == ("1", "0")
    page = owner.page(f"{HERE}/log/")
    assert "crm" in page
