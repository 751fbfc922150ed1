"""What an erasure leaves, and what comes in for the erased person afterwards."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from loyalty_core.service.erase_member import erase_member
from loyalty_core.store.database import read
from loyalty_core.store.tables import holds, identities, purchases, refunds
from loyalty_kit.events import Customer, FiscalSign
from tests.support.ledger import ANNA, BORIS, Shop
from tests.support.lines import back

SIGN = FiscalSign("9960440300000001", "1", "100")
PERSON = Customer(phone=ANNA, email="anna@example.com", first_name="Anna", verified=True)
PERSONAL = (ANNA, "anna@example.com", "Anna")


def erase(shop: Shop, phone: str = ANNA) -> dict[str, Any]:
    wire = shop.wire(phone)
    return shop.do(
        lambda connection: erase_member(
            connection, shop.programme_id, wire, author="owner", evidence_key=b"key", now=shop.now
        )
    )


def kept_text(shop: Shop) -> str:
    """All that receipts and holds keep in documents."""
    columns = (purchases.c.document, refunds.c.document, holds.c.request, holds.c.quote)
    with read(shop.engine) as connection:
        found = [value for column in columns for value in connection.scalars(select(column))]
    return json.dumps(found, ensure_ascii=False)


def test_receipts_and_holds_forget_the_person(shop: Shop):
    listed = shop.refund("R1", 10_00, customer=PERSON)
    shop.buy("P1", 100_00, customer=PERSON, refunds=(listed,), fiscal=(SIGN,))
    shop.buy("P1", 100_00, source="key:site", customer=PERSON, fiscal=(SIGN,))
    shop.bring_back("R2", 10_00, purchase="P1", customer=PERSON)
    shop.hold(10_00, cart="c", member=PERSON)

    erase(shop)

    text = kept_text(shop)
    assert [word for word in PERSONAL if word in text] == []


def test_a_later_revision_of_an_erased_persons_purchase_moves_nothing(shop: Shop):
    shop.buy("P1", 100_00)
    erase(shop)

    refund = shop.refund("R1", 100_00, lines=(back("1", 100_00),))
    receipt = shop.buy("P1", 100_00, revision=2, refunds=(refund,))

    assert receipt.points["clawed_back"] == 0
    assert receipt.member is None


def test_an_alias_of_an_erased_member_is_nobody(shop: Shop):
    shop.buy("P1", 100_00, by=BORIS)
    shop.buy("P2", 100_00, by=ANNA)
    alias = shop.wire(BORIS)
    shop.merge(BORIS, ANNA)
    erase(shop)

    hold = shop.hold(10_00, cart="c", by=None, member=Customer(id=alias, verified=True))
    receipt = shop.buy("P3", 100_00, by=None, customer=Customer(id=alias, verified=True))

    assert hold.quote.member is None
    assert receipt.member is None
    with read(shop.engine) as connection:
        assert connection.execute(select(identities)).all() == []
