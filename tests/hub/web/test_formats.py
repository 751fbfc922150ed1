"""Money, points and times as people read them."""

import re
from datetime import UTC, datetime

import pytest
from flask import g

from hub.web.admin import formats, words
from loyalty_core.service.programmes import get_programme
from loyalty_core.store.database import read


@pytest.fixture(params=["ru", "en"])
def language(request, app, hub):
    """Inside a page of the programme `demo`, in this language."""
    with app.test_request_context("/admin/"):
        g.language = request.param
        with read(hub.engine) as connection:
            g.programme = get_programme(connection, "demo")
        yield request.param


def plain(text: object) -> str:
    return str(text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (135000, {"ru": "1 350,00 ₽", "en": "1,350.00 ₽"}),
        ("1350.00", {"ru": "1 350,00 ₽", "en": "1,350.00 ₽"}),
        (5, {"ru": "0,05 ₽", "en": "0.05 ₽"}),
        (-12910, {"ru": "−129,10 ₽", "en": "−129.10 ₽"}),
        (10**14 + 1, {"ru": "1 000 000 000 000,01 ₽", "en": "1,000,000,000,000.01 ₽"}),
    ],
)
def test_money(language, amount, told):
    assert plain(formats.money(amount, "RUB")) == told[language]


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (50000, {"ru": "500", "en": "500"}),
        ("12.50", {"ru": "12,50", "en": "12.50"}),
        (123456789, {"ru": "1 234 567,89", "en": "1,234,567.89"}),
    ],
)
def test_points_show_hundredths_only_where_there_are_some(language, amount, told):
    assert plain(formats.points(amount)) == told[language]


@pytest.mark.parametrize(("amount", "told"), [("12.00", "+12"), ("-12.00", "−12"), (0, "0")])
def test_movements_of_points_carry_their_sign(language, amount, told):
    assert formats.signed_points(amount) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("20000.00", {"ru": "20 000", "en": "20,000"}),
        ("7.5", {"ru": "7,50", "en": "7.50"}),
        ("abc", {"ru": "abc", "en": "abc"}),
    ],
)
def test_numbers_of_the_rules_are_grouped(language, text, told):
    assert plain(formats.told_decimal(text)) == told[language]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("admin:vera", {"ru": "vera", "en": "vera"}),
        ("key:till 2", {"ru": "ключ API «till 2»", "en": "API key “till 2”"}),
        (
            "pairing",
            {"ru": "подключение магазина по коду", "en": "the code of a shop that was connected"},
        ),
        ("command line", {"ru": "командная строка", "en": "command line"}),
        ("demo", {"ru": "demo", "en": "demo"}),
    ],
)
def test_who_did_it_is_told_without_the_hub_s_own_marks(language, code, told):
    assert words.author(code) == told[language]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("2027-11-22T21:00:00+00:00", {"ru": "22 нояб. 2027", "en": "22 Nov 2027"}),
        ("2027-11-22T15:00:00+00:00", {"ru": "22 нояб. 2027, 18:00", "en": "22 Nov 2027, 18:00"}),
        (None, {"ru": "", "en": ""}),
    ],
)
def test_what_ends_at_midnight_is_good_up_to_the_day_before(language, ends, told):
    assert re.sub("<[^>]+>", "", plain(formats.until(ends))) == told[language]


def test_quantities_show_no_idle_zeros(language):
    assert formats.quantity("2") == "2"
    assert formats.quantity(350) == {"ru": "0,35", "en": "0.35"}[language]


def test_times_are_those_of_the_programme(language):
    """Moscow is three hours ahead of UTC."""
    shown = plain(formats.moment(datetime(2026, 3, 14, 22, 42, tzinfo=UTC)))

    assert {"ru": ">15 мар. 2026, 01:42<", "en": ">15 Mar 2026, 01:42<"}[language] in shown
    assert 'datetime="2026-03-15T01:42:00+03:00"' in shown


def test_days_too_but_a_birthday_is_a_birthday_everywhere(language):
    assert plain(formats.day("2026-03-14T22:42:00+00:00")).startswith("15")
    assert plain(formats.day("1990-05-09")).startswith("9")
    assert formats.day(None) == ""


def test_phones_stand_in_groups_and_anything_else_is_escaped(language):
    assert "+7 916 123-45-67" in formats.phone("+79161234567")
    assert formats.phone("<b>") == "&lt;b&gt;"
