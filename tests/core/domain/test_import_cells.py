"""Cells of owners' files: what each is read as, and what could mean two things."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from loyalty_core.domain.import_cells import (
    Wrong,
    amount_of,
    birth_date_of,
    moment_of,
    names_of,
    text_of,
    whole_digits,
)
from loyalty_core.domain.import_columns import BALANCES, MEMBERS, PURCHASES, guessed

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("cell", "hundredths"),
    [
        ("1234", 123_400),
        ("1 234,5", 123_450),
        ("1\u00a0234\u202f567,89", 123_456_789),
        ("1.234,50", 123_450),
        ("1,234.50", 123_450),
        ("-10 руб.", -1_000),
        ("\u221210,01 ₽", -1_001),
        ("15 баллов", 1_500),
        ("0", 0),
        ("9999999999999.99", 999_999_999_999_999),
    ],
)
def test_sums_as_people_write_them(cell, hundredths):
    assert amount_of(cell, "points") == hundredths


@pytest.mark.parametrize(
    "cell", ["", "1,234", "1.234", "12 34", "1e5", "1/2", "ten", "--5", "10000000000000", "１２"]
)
def test_what_is_no_sum_or_could_be_two(cell):
    with pytest.raises(Wrong) as wrong:
        amount_of(cell, "points")
    assert (wrong.value.code, wrong.value.facts) == ("not_amount", {"column": "points"})


@pytest.mark.parametrize(
    ("cell", "begins", "ends"),
    [
        ("31.12.2026", "2026-12-30T21:00:00+00:00", "2026-12-31T21:00:00+00:00"),
        ("2026-12-31", "2026-12-30T21:00:00+00:00", "2026-12-31T21:00:00+00:00"),
        ("31.12.2026 0:00:00", "2026-12-30T21:00:00+00:00", "2026-12-31T21:00:00+00:00"),
        ("1.2.2026 9:05", "2026-02-01T06:05:00+00:00", "2026-02-01T06:05:00+00:00"),
        ("2026-12-31 23:59:30", "2026-12-31T20:59:30+00:00", "2026-12-31T20:59:30+00:00"),
        ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00+00:00", "2026-12-31T10:00:00+00:00"),
    ],
)
def test_times_are_those_of_the_programme_and_days_are_whole(cell, begins, ends):
    assert moment_of(cell, "at", MOSCOW).isoformat() == begins
    assert moment_of(cell, "at", MOSCOW, whole_day=True).isoformat() == ends


@pytest.mark.parametrize(
    "cell",
    ["01.01.0001", "01.01.0001 0:00:00", "31.12.9999", "9999-12-31 23:59:59",
     "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+03:00"],
)  # fmt: skip
def test_what_other_systems_write_for_no_date_is_none(cell):
    for whole_day in (False, True):
        with pytest.raises(Wrong, match="not_day"):
            moment_of(cell, "at", MOSCOW, whole_day=whole_day)


@pytest.mark.parametrize(
    "cell", ["31.02.2026", "31/12/2026", "12-31-2026", "31.12.26", "20261231", "2026-12-31 25:00"]
)
def test_what_is_no_day_or_could_be_two(cell):
    with pytest.raises(Wrong, match="not_day"):
        moment_of(cell, "at", MOSCOW)


def test_what_the_calendar_does_not_have_is_no_day():
    """1C writes 01.01.0001 where there is no date; in UTC that is the year before the first."""
    for cell in ("01.01.0001 0:00:00", "01.01.0001", "0001-01-01T00:00:00+03:00"):
        with pytest.raises(Wrong, match="not_day"):
            moment_of(cell, "at", MOSCOW)
    with pytest.raises(Wrong, match="not_day"):
        moment_of("31.12.9999", "at", MOSCOW, whole_day=True)


def test_birth_dates_are_of_people_alive():
    today = date(2026, 3, 14)

    assert birth_date_of("14.03.1990", today) == "1990-03-14"
    for cell in ("15.03.2026", "31.12.1899", "30.02.1990"):
        with pytest.raises(Wrong, match="not_day"):
            birth_date_of(cell, today)


def test_names_and_blanks():
    assert names_of("Петрова Анна Мария Ивановна") == {
        "last_name": "Петрова",
        "first_name": "Анна",
        "middle_name": "Мария Ивановна",
    }
    assert names_of("Анна") == {"first_name": "Анна"}
    assert [text_of(cell, "city") for cell in ("", " - ", "Нет", "n/a", " Омск ")] == [
        None,
        None,
        None,
        None,
        "Омск",
    ]
    for cell, code in (("x" * 256, "too_long"), ("a\x00b", "not_text")):
        with pytest.raises(Wrong, match=code):
            text_of(cell, "city")


@pytest.mark.parametrize(
    ("kind", "headings", "words"),
    [
        (MEMBERS, ["Номер телефона", "Ф.И.О.", "E-mail", "№"], ["phone", "name", "email"]),
        (MEMBERS, ["Фамилия", "Имя", "Населённый пункт"], ["last_name", "first_name", "city"]),
        (MEMBERS, ["Телефон", "Мобильный", "Карта", "Cards"], ["phone", "card", "card"]),
        (MEMBERS, ["phone", "attr.size", "consents"], ["phone", "attr.size"]),
        (BALANCES, ["Карта", "Бонусный баланс", "Действуют до"], ["card", "points", "expires_at"]),
        (PURCHASES, ["Чек №", "Номер чека", "Дата", "Сумма"], ["receipt", "bought_at", "paid"]),
    ],
)
def test_usual_headings_are_known_and_the_first_of_two_counts(kind, headings, words):
    assert [one.word for one in guessed(kind, headings, with_external=False)] == words


def test_ids_of_a_system_that_is_not_named_are_not_guessed():
    assert guessed(MEMBERS, ["Код клиента"], with_external=False) == []
    (found,) = guessed(MEMBERS, ["Код клиента"], with_external=True)
    assert found.word == "external"


def test_what_a_spreadsheet_has_lost_is_no_number():
    for cell in ("2.2E+12", "1,23457E+15", "2e+15", "2.2E12", "2200000000017.0"):
        with pytest.raises(Wrong, match="digits_lost"):
            whole_digits(cell, "card")
    for cell in ("2200000000017", "1E5", "A+12", "7e15", "17.01"):
        whole_digits(cell, "card")
    for cell in ("#N/A", "#н/д"):
        with pytest.raises(Wrong, match="not_text"):
            text_of(cell, "card")
