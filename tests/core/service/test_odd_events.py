"""Events that are booked and flagged, or refused by name; nothing is retried for ever."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text, update

from loyalty_core.domain.errors import BeyondCount, NotBookable
from loyalty_core.domain.points import MOST
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import is_sqlite, read, write
from loyalty_core.store.tables import accounts, members
from loyalty_kit.money import MAX_AMOUNT
from loyalty_kit.wire_fields import MAX_LINES
from tests.support.books import assert_books_add_up
from tests.support.ledger import ANNA, BORIS, Figures, open_programme, rules
from tests.support.lines import back, line

REFUSALS = {
    "sqlite": """
        CREATE TRIGGER refuse BEFORE INSERT ON purchase_lines WHEN NEW.id = 'cursed'
        BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: refuse'); END
    """,
    "postgresql": "ALTER TABLE purchase_lines ADD CONSTRAINT refuse CHECK (id <> 'cursed')",
}


def test_a_refund_of_a_line_that_was_not_sold_moves_nothing_and_is_flagged(engine: Engine):
    shop = open_programme(engine)
    shop.buy("P1", 100_00, 50_00)

    told = shop.bring_back("R1", 50_00, purchase="P1", lines=(back("9", 50_00),))

    assert told.flags == ("unknown_line",)
    assert told.points["clawed_back"] == 0
    assert shop.figures() == Figures(available=15_00)
    known = shop.bring_back("R2", 50_00, purchase="P1", lines=(back("2", 50_00),))
    assert known.points["clawed_back"] == 5_00
    assert_books_add_up(shop)


def test_of_a_purchase_that_is_nobodys_too(engine: Engine):
    shop = open_programme(engine)
    shop.buy("P1", 100_00, by=None)

    told = shop.bring_back("R1", 10_00, purchase="P1", lines=(back("9", 10_00),))

    assert "unknown_line" in told.flags


def test_a_receipt_that_earns_more_than_can_be_counted_is_refused_by_name(engine: Engine):
    document = rules(earn="100")
    document["currencies"][0]["value"] = "0.01"
    document["spending"]["step"] = "1.00"
    shop = open_programme(engine, document)
    largest = tuple(line(str(number), MAX_AMOUNT - 1) for number in range(MAX_LINES))

    with pytest.raises(BeyondCount) as refused:
        shop.buy("P1", lines=largest)

    assert refused.value.facts == {"source": "key:till", "external_id": "P1"}
    assert shop.kept_purchases() == []
    shop.buy("P2", 1_00)
    assert shop.figures() == Figures(available=100_00)
    assert_books_add_up(shop)


def test_so_is_one_after_which_a_member_has_spent_more_than_can_be_counted(engine: Engine):
    shop = open_programme(engine)
    shop.buy("P1", 1_00)
    with write(engine) as connection:
        connection.execute(update(members).values(spent_minor=MOST))

    with pytest.raises(BeyondCount) as refused:
        shop.buy("P2", 1)

    assert refused.value.facts["external_id"] == "P2"


def test_an_event_that_the_database_refuses_is_named(engine: Engine):
    shop = open_programme(engine)
    with write(engine) as connection:
        connection.execute(text(REFUSALS["sqlite" if is_sqlite(engine) else "postgresql"]))

    with pytest.raises(NotBookable) as refused:
        shop.buy("P1", lines=(line("cursed", 1_00),))

    assert refused.value.facts == {"source": "key:till", "external_id": "P1"}
    assert shop.buy("P2", 1_00).created


def test_one_that_the_driver_refuses_as_well(postgres_engine: Engine):
    shop = open_programme(postgres_engine)

    with pytest.raises(NotBookable):
        shop.buy("P1", 1_00, cashier="no such \x00 in a text")


def test_one_programmes_proof_tells_nothing_of_another(engine: Engine):
    """Their members stand between one another."""
    ours, theirs = open_programme(engine), open_programme(engine)
    for shop, phone in ((ours, ANNA), (theirs, ANNA), (ours, BORIS), (theirs, BORIS)):
        shop.buy(f"P-{phone}", 100_00, by=phone)
    broken = theirs.member(ANNA)
    with write(engine) as connection:
        is_it = accounts.c.member_id == broken
        connection.execute(update(accounts).where(is_it).values(available=99_00))

    with read(engine) as connection:
        assert verify_ledger(connection, programme_id=ours.programme_id) == []
        found = verify_ledger(connection, programme_id=theirs.programme_id)
        assert {finding.member for finding in found} == {theirs.wire(ANNA)}
        assert verify_ledger(connection) == found
