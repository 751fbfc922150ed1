"""What the log tells before and after a change, in words of the page's language."""

from __future__ import annotations

import re

import pytest

from hub.installations import create_installation, update_settings
from loyalty_core.service.programmes import get_programme
from loyalty_core.store import audit
from loyalty_core.store.database import read, write
from tests.support.clock import NOON
from tests.support.shopfloor import SETTINGS

LOG = "/admin/p/demo/log/"
LINE = re.compile(r'<div class="small"><span class="text-secondary">(.*?)</div>')

CASES = [
    (
        "points_moved",
        ({}, {"points": "1250.50", "currency": "points"}),
        ("Points: 1,250.50", "Currency of points: Баллы"),
        ("Баллы: 1 250,50", "Валюта баллов: Баллы"),
    ),
    (
        "points_refused",
        ({}, {"points": "a lot", "left": "5.00", "limit": "500.00"}),
        ("Points: a lot", "Left: 5", "Limit of the day: 500"),
        ("Баллы: a lot", "Осталось: 5", "Лимит на день: 500"),
    ),
    (
        "person_set",
        (
            {"role": "viewer", "day_points": None},
            {"role": "support", "day_points": "1000.00", "shops": "south"},
        ),
        ("Role: Reader Support", "Points by hand in a day: nothing 1,000", "Shops: south"),
        ("Роль: Читатель Поддержка", "Баллы вручную за день: пусто 1 000", "Магазины: south"),
    ),
    (
        "letter_set",
        ({"is_on": False, "class": "advertising"}, {"is_on": True, "class": "service"}),
        ("Switched on: no yes", "Kind of message: Advertising: to those who agreed Service"),
        ("Включено: нет да", "Вид сообщения: Реклама: тем, кто согласен Служебное"),
    ),
    (
        "coupon_blocked",
        ({"state": "active"}, {"state": "blocked"}),
        ("State: Can be used Blocked",),
        ("Состояние: Действует Заблокировано",),
    ),
    (
        "channel_set",
        ({"state": None}, {"state": "forbidden"}),
        ("State: nothing Nothing",),
        ("Состояние: пусто Ничего",),
    ),
    (
        "certificate_topped_up",
        ({}, {"amount": "1500.00"}),
        ("Sum: 1,500.00 ₽",),
        ("Сумма: 1 500,00 ₽",),
    ),
    (
        "partner_set",
        ({}, {"shops": ["main", "south"], "prices": {"points": "0.90"}}),
        ("Shops: Чайная лавка, south", "Price of a point: Баллы: 0.90 ₽"),
        ("Магазины: Чайная лавка, south", "Цена балла: Баллы: 0,90 ₽"),
    ),
    (
        "backfill_started",
        ({}, {"since": "2026-03-01T00:00:00+03:00", "dry": True}),
        ("From the day: 1 Mar 2026, 00:00", "Counting alone: yes"),
        ("С какого дня: 1 мар. 2026, 00:00", "Только подсчёт: да"),
    ),
]


def lines_of(page):
    """What the newest change says, without its marks and with plain spaces."""
    row = page[page.index("<tbody>") : page.index("</tr>", page.index("<tbody>"))]
    told = (re.sub(r"<[^>]+>", "", line) for line in LINE.findall(row))
    return tuple(" ".join(line.replace("\N{NO-BREAK SPACE}", " ").split()) for line in told)


@pytest.fixture
def programme_id(hub):
    with read(hub.engine) as connection:
        return get_programme(connection, "demo").id


@pytest.mark.parametrize(("action", "sides", "english", "russian"), CASES, ids=lambda one: one)
def test_a_change_is_told_in_words(
    hub, owner, visitor, programme_id, action, sides, english, russian
):
    before, after = sides
    with write(hub.engine) as connection:
        audit.note(
            connection,
            programme_id,
            action,
            "x",
            author="test",
            now=NOON,
            before=before,
            after=after,
        )
    reader = visitor("ru")
    reader.log_in()

    assert lines_of(owner.page(LOG)) == english
    assert lines_of(reader.page(LOG)) == russian


def test_settings_of_a_connection_are_called_as_on_its_form(hub, owner, visitor, programme_id):
    made = create_installation(
        hub, programme_id=programme_id, connector="tablo", name="Tea shop", settings=SETTINGS
    )
    update_settings(hub, made.id, {"token": "another", "shop": "south"})
    reader = visitor("ru")
    reader.log_in()

    page = owner.page(LOG)
    assert lines_of(page) == ("Token: hidden another, hidden", "Shop: main south")
    assert "Tea shop</a>" in page
    assert SETTINGS["token"] not in page
    assert lines_of(reader.page(LOG)) == ("Токен: скрыто изменено, скрыто", "Магазин: main south")


@pytest.mark.parametrize(
    ("author", "english", "russian"),
    [
        ("admin:vera", "vera", "vera"),
        ("key:till", "API key “till”", "ключ API «till»"),
        ("hub", "the hub itself", "сам хаб"),
        ("key:", "key:", "key:"),
    ],
)
def test_authors_are_called_as_people_call_them(
    hub, owner, visitor, programme_id, author, english, russian
):
    with write(hub.engine) as connection:
        audit.note(connection, programme_id, "letter_set", "x", author=author, now=NOON)
    reader = visitor("ru")
    reader.log_in()

    assert f">{english}</a>" in owner.page(LOG)
    assert f">{russian}</a>" in reader.page(f"{LOG}?author={author}")
