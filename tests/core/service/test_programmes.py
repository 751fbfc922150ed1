"""Programmes, rule versions and shops, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_core.domain.errors import (
    InvalidInput,
    ProgrammeNotFound,
    RulesInvalid,
    ShopNotFound,
    VersionNotFound,
    VersionPublished,
)
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.programmes import (
    TakenBack,
    check_rules,
    create_programme,
    draft_rules,
    get_programme,
    get_rules,
    list_programmes,
    list_rules_versions,
    publish_rules,
    set_programme,
    take_back_rules,
)
from loyalty_core.service.shops import NewShop, create_shop, list_shops, set_shop
from loyalty_core.store.database import write
from loyalty_core.store.programmes import rules_version_at

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def connection(engine):
    with write(engine) as connection:
        yield connection


def programme(connection, code="demo", **changes):
    options = {"document": default_rules(earn_percent="5"), "author": "owner", "now": NOON}
    return create_programme(connection, code=code, **{**options, **changes})


def publish(connection, programme_id, percent, now):
    version = draft_rules(
        connection, programme_id, default_rules(earn_percent=percent), author="owner", now=now
    )
    return publish_rules(connection, programme_id, version, author="owner", now=now)


def test_a_new_programme_has_a_main_shop_and_its_rules_in_force(connection):
    made = programme(connection, "Чай", name="Чайная лавка")

    assert (made.code, made.name, made.currency, made.timezone, made.rules_version) == (
        "чай",
        "Чайная лавка",
        "RUB",
        "Europe/Moscow",
        1,
    )
    assert get_programme(connection, "ЧАЙ") == made
    assert list_programmes(connection) == [made]
    assert [(shop.code, shop.name) for shop in list_shops(connection, made.id)] == [
        ("main", "Чайная лавка")
    ]
    assert get_rules(connection, made.id)["earning"]["percent"] == "5"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        pytest.param({"code": ""}, "code", id="no code"),
        pytest.param({"code": "two words"}, "code", id="a space in the code"),
        pytest.param({"code": "demo"}, "code", id="code taken"),
        pytest.param({"code": "DEMO"}, "code", id="code taken in other letters"),
        pytest.param({"timezone": "Moscow"}, "timezone", id="no such zone"),
        pytest.param({"timezone": "../etc/passwd"}, "timezone", id="a path for a zone"),
        pytest.param({"currency": "rub"}, "currency", id="currency in small letters"),
    ],
)
def test_what_a_programme_may_not_be(connection, options, field):
    programme(connection)

    with pytest.raises(InvalidInput) as refused:
        programme(connection, **{"code": "other", **options})

    assert list(refused.value.errors) == [field]


def test_a_programme_is_not_made_with_rules_that_are_wrong(connection):
    document = default_rules(earn_percent="many")

    with pytest.raises(RulesInvalid) as refused:
        programme(connection, document=document)

    assert list(refused.value.errors) == ["earning.percent"]
    assert list(check_rules(document)) == ["earning.percent"]
    assert check_rules(default_rules()) == {}
    assert list(check_rules([])) == [""]


def test_an_unknown_programme(connection):
    with pytest.raises(ProgrammeNotFound):
        get_programme(connection, "nowhere")


def test_name_and_zone_can_change(connection):
    programme(connection)

    changed = set_programme(connection, "demo", name="New", timezone="Asia/Omsk")

    assert (changed.name, changed.timezone) == ("New", "Asia/Omsk")
    assert set_programme(connection, "demo") == changed


def test_a_draft_is_not_in_force_until_it_is_published(connection):
    made = programme(connection)

    draft = draft_rules(
        connection, made.id, default_rules(earn_percent="7"), author="anna", now=NOON + HOUR
    )
    assert draft == 2
    assert get_rules(connection, made.id)["earning"]["percent"] == "5"

    assert publish_rules(connection, made.id, draft, author="boris", now=NOON + 2 * HOUR) == 2
    assert get_rules(connection, made.id)["earning"]["percent"] == "7"
    assert get_rules(connection, made.id, 1)["earning"]["percent"] == "5"
    assert get_programme(connection, "demo").rules_version == 2
    newest, oldest = list_rules_versions(connection, made.id)
    assert (newest.version, newest.state, newest.author, newest.published_by) == (
        2,
        "published",
        "anna",
        "boris",
    )
    assert newest.published_at == NOON + 2 * HOUR
    assert (oldest.version, oldest.state, oldest.published_at) == (1, "published", NOON)


def test_an_older_version_comes_back_as_a_new_one(connection):
    made = programme(connection)
    assert publish(connection, made.id, "7", NOON + HOUR) == 2

    with pytest.raises(VersionPublished):
        publish_rules(connection, made.id, 1, author="owner", now=NOON + 2 * HOUR)
    taken = take_back_rules(connection, made.id, 1, author="owner", now=NOON + 2 * HOUR)

    assert taken == TakenBack(3, in_force=True)
    assert get_rules(connection, made.id)["earning"]["percent"] == "5"
    again = take_back_rules(connection, made.id, 3, author="owner", now=NOON + 3 * HOUR)
    assert again == TakenBack(3, in_force=True)
    assert publish_rules(connection, made.id, 3, author="owner", now=NOON + 3 * HOUR) == 3
    assert len(list_rules_versions(connection, made.id)) == 3


def test_an_unknown_version(connection):
    made = programme(connection)

    with pytest.raises(VersionNotFound):
        publish_rules(connection, made.id, 9, author="owner", now=NOON)


@pytest.mark.parametrize(
    ("at", "version"),
    [
        pytest.param(NOON - HOUR, 1, id="before the first: the first"),
        pytest.param(NOON, 1, id="published at that very moment"),
        pytest.param(NOON + 3 * HOUR, 3, id="the one published last"),
        pytest.param(NOON + 5 * HOUR, 2, id="published later, though drafted earlier"),
    ],
)
def test_14_the_version_in_force_at_a_time(connection, at, version):
    made = programme(connection)
    early = draft_rules(connection, made.id, default_rules(), author="owner", now=NOON)
    assert publish(connection, made.id, "7", NOON + 2 * HOUR) == 3
    publish_rules(connection, made.id, early, author="owner", now=NOON + 4 * HOUR)

    assert rules_version_at(connection, made.id, at) == version


def test_a_clock_that_goes_back_does_not_reorder_versions(connection):
    made = programme(connection)

    publish(connection, made.id, "7", NOON - HOUR)

    assert rules_version_at(connection, made.id, NOON + HOUR) == 2


def test_shops_are_made_and_changed(connection):
    made = programme(connection)

    shop = create_shop(connection, made.id, NewShop("Tverskaya-1", timezone="Asia/Omsk"), now=NOON)
    changed = set_shop(
        connection, made.id, "TVERSKAYA-1", {"name": "Тверская", "vendor": {"till": "7"}}
    )

    assert (shop.code, shop.name, shop.timezone) == ("tverskaya-1", "Tverskaya-1", "Asia/Omsk")
    assert (changed.name, changed.timezone, changed.vendor) == (
        "Тверская",
        "Asia/Omsk",
        {"till": "7"},
    )
    assert [shop.code for shop in list_shops(connection, made.id)] == ["main", "tverskaya-1"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"code": "other"}, id="a code does not change"),
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"timezone": "Nowhere"}, id="no such zone"),
    ],
)
def test_what_a_shop_may_not_become(connection, changes):
    made = programme(connection)

    with pytest.raises(InvalidInput) as refused:
        set_shop(connection, made.id, "main", changes)

    assert list(refused.value.errors) == list(changes)


def test_a_shop_of_another_programme_is_not_found(connection):
    made = programme(connection)
    other = programme(connection, "other")
    create_shop(connection, made.id, NewShop("north"), now=NOON)

    with pytest.raises(ShopNotFound):
        set_shop(connection, other.id, "north", {"name": "Mine"})
    with pytest.raises(InvalidInput):
        create_shop(connection, made.id, NewShop("North"), now=NOON)
