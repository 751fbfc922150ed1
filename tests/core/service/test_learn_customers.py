"""What systems' own records say of customers: blanks, new members, and nothing by guess."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.erase_member import erase_member
from loyalty_core.service.learn_customers import learn_customers
from loyalty_core.service.members import NewMember, enrol_member, find_members, get_member
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.source import Source
from loyalty_core.service.to_look_at import conflicts
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.tables import erased_records
from loyalty_kit.events import ExternalId
from loyalty_kit.ports import CustomerRecord
from tests.support.ledger import NOW

KEYS = (b"new" * 11, b"k" * 32)
"""What was erased was so under the older one."""
ANNA, BORIS = "+79000001234", "+79000005678"
WHOLE = CustomerRecord(
    id="c-1",
    phone=ANNA,
    email="anna@example.com",
    card="7700-12",
    first_name="Анна",
    middle_name="Петровна",
    last_name="Смирнова",
    birth_date="1990-05-17",
    gender="female",
)


class Desk:
    """A programme, a shop that tells of its customers, and what came of it."""

    def __init__(self, engine):
        self.engine, self.plans = engine, PlanCache()
        with write(engine) as connection:
            programme = create_programme(
                connection, code="demo", document=default_rules(), author="test", now=NOW
            )
        self.shop = Source(programme.id, "installation:1", lenient=True)
        self.till = Source(programme.id, "key:1")

    def knows(self, **names):
        """A member; `id` is the shop's own of them."""
        number = names.pop("id", None)
        external = None if number is None else ExternalId(self.shop.name, number)
        new = NewMember(external=external, **names)
        with write(self.engine) as connection:
            return enrol_member(connection, self.plans, self.till, new, now=NOW).id

    def learns(self, *records):
        told = [(self.shop, record) for record in records]
        learnt = transact(
            self.engine, lambda c: learn_customers(c, self.plans, told, keys=KEYS, now=NOW)
        )
        return [one.what for one in learnt]

    def member(self, number):
        with read(self.engine) as connection:
            return get_member(connection, self.plans, self.shop.programme_id, number, now=NOW)

    def found(self, **name):
        with read(self.engine) as connection:
            programme = self.shop.programme_id
            return [
                one.id for one in find_members(connection, self.plans, programme, now=NOW, **name)
            ]


@pytest.fixture
def desk(engine):
    return Desk(engine)


def told(**changes):
    return CustomerRecord(**{"id": "c-1", **changes})


def vouched(**changes):
    return told(**{"phone": ANNA, "vouched": True, **changes})


def test_blanks_of_the_member_whom_the_shop_knows_are_filled_in_once(desk):
    anna = desk.knows(id="c-1", city="Тула")

    assert desk.learns(WHOLE, told(id="c-9", phone=BORIS)) == ["filled", "unknown"]
    card = desk.member(anna)
    assert card.name == "Анна Петровна Смирнова"
    assert (card.profile["birth_date"], card.profile["gender"]) == ("1990-05-17", "female")
    assert card.profile["city"] == "Тула"
    # What somebody typed into a record is no name of the member (adr/0008).
    assert (card.phone, card.email, card.cards) == (None, None, ())

    other = told(first_name="Инна", birth_date="1991-01-01", gender="male")
    assert desk.learns(WHOLE, other) == ["known", "known"]
    assert desk.member(anna) == card


@pytest.mark.parametrize(
    ("stands", "told_name", "name"),
    [
        ({"first_name": "Анна"}, ("Анна", "Петровна", "Смирнова"), "Анна Петровна Смирнова"),
        ({"first_name": "Смирнова Анна"}, ("Анна", None, "Смирнова"), "Смирнова Анна"),
        ({"last_name": "Смирнова"}, ("Анна", None, "Иванова"), "Смирнова"),
        ({"last_name": "Смирнова"}, (None, "Петровна", None), "Смирнова"),
    ],
)
def test_parts_of_a_name_go_together(desk, stands, told_name, name):
    anna = desk.knows(id="c-1", **stands)
    parts = dict(zip(("first_name", "middle_name", "last_name"), told_name, strict=True))
    desk.learns(told(**parts))
    assert desk.member(anna).name == name


@pytest.mark.parametrize("bad", ["1990-02-30", "17.05.1990", ""])
def test_a_birthday_that_is_none_is_left_out(desk, bad):
    anna = desk.knows(id="c-1")
    assert desk.learns(told(birth_date=bad)) == ["known"]
    assert desk.member(anna).profile["birth_date"] is None


def test_a_phone_of_another_member_is_a_conflict_and_attaches_nothing(desk):
    anna, boris = desk.knows(id="c-1"), desk.knows(phone=BORIS)
    desk.learns(told(phone=BORIS), told(phone=BORIS, vouched=True))

    assert desk.found(phone=BORIS) == [boris]
    with read(desk.engine) as connection:
        listed = conflicts(connection, desk.shop.programme_id).items
    assert [(one["member"], one["other"], one["kind"]) for one in listed] == [
        (anna, boris, "phone")
    ]


def test_records_that_staff_keep_name_the_member_and_enrol(desk):
    anna = desk.knows(id="c-1")
    boris = vouched(id="c-2", phone=BORIS, first_name="Борис", birth_date="1980-01-02")

    assert desk.learns(vouched(email="anna@example.com"), boris) == ["known", "enrolled"]
    assert desk.found(phone=ANNA) == desk.found(email="anna@example.com") == [anna]
    (number,) = desk.found(phone=BORIS)
    card = desk.member(number)
    assert (card.state, card.name, card.consents) == ("unconfirmed", "Борис", {})
    assert card.profile["birth_date"] == "1980-01-02"
    assert card.externals == (ExternalId(desk.shop.name, "c-2"),)
    assert desk.learns(boris) == ["known"]


def test_nobody_is_enrolled_or_taken_over_by_guess(desk):
    anna = desk.knows(phone=ANNA)
    # Somebody has the phone: the account is not hung on them, and their profile is theirs.
    assert desk.learns(vouched(first_name="Чужая", email="x@example.com")) == ["unknown"]
    card = desk.member(anna)
    assert (card.name, card.email, card.externals) == (None, None, ())
    # No phone and no card: a supplier, a firm, an address book.
    assert desk.learns(vouched(phone=None, email="y@example.com")) == ["unknown"]
    # A phone that can be none leaves a record with an id alone.
    assert desk.found(email="y@example.com") == []


def test_the_same_record_twice_in_one_batch_is_one_member(desk):
    assert desk.learns(vouched(), vouched(last_name="Смирнова")) == ["enrolled", "filled"]
    (number,) = desk.found(phone=ANNA)
    assert desk.member(number).name == "Смирнова"


def test_who_was_erased_is_not_filled_in(desk):
    anna = desk.knows(id="c-1")
    with write(desk.engine) as connection:
        erase_member(
            connection, desk.till.programme_id, anna, author="-", evidence_key=b"k" * 32, now=NOW
        )
    assert desk.learns(WHOLE) == ["unknown"]
    with pytest.raises(MemberNotFound):
        desk.member(anna)


def test_a_record_of_who_was_erased_enrols_nobody_until_the_person_comes_again(desk):
    """The shop's system goes on having the record, and changes it; it names another person's
    record, whom it may enrol."""
    desk.knows(id="c-1", phone=ANNA, card="7700-12")
    (anna,) = desk.found(phone=ANNA)
    with write(desk.engine) as connection:
        erase_member(
            connection, desk.till.programme_id, anna, author="-", evidence_key=KEYS[1], now=NOW
        )
        kept = connection.execute(erased_records.select()).all()
    assert len(kept) == 1
    assert "c-1" not in str(kept)

    changed = vouched(card="7700-12", email="anna@example.com", last_name="Смирнова")
    assert desk.learns(changed, vouched(id="c-2", phone=BORIS)) == ["unknown", "enrolled"]
    assert desk.found(phone=ANNA) == desk.found(card="7700-12") == []

    again = desk.knows(id="c-1")
    assert desk.learns(changed) == ["filled"]
    assert desk.found(phone=ANNA) == [again]


@pytest.mark.parametrize(
    "typed",
    [{"phone": "123"}, {"phone": "-"}, {"phone": None, "card": "-"}],
    ids=["no number", "a dash", "a dash for a card"],
)
def test_a_record_by_which_nobody_can_be_told_enrols_nobody(desk, typed):
    assert desk.learns(vouched(**typed, email="anna@example.com")) == ["unknown"]
    assert desk.found(email="anna@example.com") == []
    assert desk.learns(vouched(**{**typed, "card": "7700-12"})) == ["enrolled"]


def test_records_that_come_at_once_enrol_one_member(postgres_engine):
    desk = Desk(postgres_engine)
    with ThreadPoolExecutor(4) as crew:
        learnt = list(crew.map(lambda _: desk.learns(vouched())[0], range(8)))
    assert learnt.count("enrolled") == 1
    assert len(desk.found(phone=ANNA)) == 1
