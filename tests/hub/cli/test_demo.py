"""The demo shop: always the same, and whole however often its making was cut off."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hub.demo import demo_wanted, make_demo, shop
from hub.demo.first_start import prepare
from hub.demo.history import Return, Visit, history
from hub.demo.people import MEMBERS, PASSERS_BY
from loyalty_core.domain.rules import default_rules, parse_rules
from loyalty_core.service.api_keys import find_key
from loyalty_core.service.phones import normalise_phone
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import holds, members, purchases, refunds
from tests.support.clock import NOON, FixedClock
from tests.support.hub import make_hub


class CutOff(Exception):
    pass


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def hub(engine, clock, tmp_path):
    return make_hub(engine, clock=clock, data_dir=tmp_path, demo=True)


def never(_done, _total):
    pass


def count(connection, table):
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_story_is_the_same_every_time():
    story = history(NOON)

    assert story == history(NOON)
    assert len({each.external_id for each in story}) == len(story)
    assert [each.at for each in story] == sorted(each.at for each in story)
    assert NOON - timedelta(days=43) < story[0].at
    assert story[-1].at < NOON
    visits = [each for each in story if isinstance(each, Visit)]
    returns = [each for each in story if isinstance(each, Return)]
    assert len(visits) > 150
    assert {back.whole for back in returns} == {True, False}
    assert {visit.shop for visit in visits} == {"main", "market", "online"}
    assert any(visit.person is None for visit in visits)


def test_its_rules_can_be_published_and_show_every_rule_type():
    rules = parse_rules(shop.rules())

    assert {promotion.type for promotion in rules.promotions} == {
        "percent_off",
        "earn_multiplier",
        "spend_share",
    }
    assert len(rules.tiers) == 3
    categories = {code for code, _, _ in shop.CATEGORIES}
    assert {item.category for item in shop.ITEMS} <= categories
    assert len({item.sku for item in shop.ITEMS}) == len(shop.ITEMS) == 40


def test_everybody_has_a_phone_of_their_own():
    phones = [normalise_phone(person.phone, "RU") for person in (*MEMBERS, *PASSERS_BY)]

    assert phones == [person.phone for person in (*MEMBERS, *PASSERS_BY)]
    assert len(set(phones)) == len(phones)


def test_a_programme_of_somebodys_own_is_left_alone(hub):
    with write(hub.engine) as connection:
        create_programme(
            connection, code="demo", document=default_rules(), author="owner", now=NOON
        )

    assert not demo_wanted(hub)
    assert prepare(hub, never).key is None


@pytest.mark.slow
def test_a_demo_that_was_cut_off_goes_on_and_ends_whole(hub, clock):
    def cut(done, _total):
        if done == 60:
            raise CutOff

    with pytest.raises(CutOff):
        make_demo(hub, cut)
    assert demo_wanted(hub)
    clock.advance(hours=3)

    first = prepare(hub, never)

    assert not demo_wanted(hub)
    story = history(NOON)
    with read(hub.engine) as connection:
        assert count(connection, purchases) == sum(isinstance(each, Visit) for each in story)
        assert count(connection, refunds) == sum(isinstance(each, Return) for each in story)
        assert count(connection, members) == len(
            {each.person for each in story if isinstance(each, Visit) and each.person}
            | set(MEMBERS)
        )
        assert verify_ledger(connection) == []
        assert set(connection.scalars(select(holds.c.state))) == {"captured"}
        assert all(flags == [] for flags in connection.scalars(select(purchases.c.flags)))
        discount, spend = connection.execute(
            select(func.sum(purchases.c.discount_minor), func.sum(purchases.c.spend_minor))
        ).one()
        assert discount > 0
        assert spend > 0
        assert find_key(connection, first.key).revoked_at is None
    assert first.password is not None
    again = prepare(hub, never)
    assert (again.login, again.password, again.key) == ("admin", None, None)
