"""After an erasure no byte of the person stands anywhere in the database, and the books agree."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import MetaData, func, select

from hub.app import create_app
from hub.ingest.lease import Lease
from hub.ingest.process import work_off
from loyalty_core.service.notes import write_note
from loyalty_core.service.to_look_at import look_at
from loyalty_core.service.verify_ledger import verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import accounts, deliveries, idempotency, members
from tests.hub.api.bodies import a_basket, a_line, a_purchase, a_refund
from tests.hub.api.client import Caller, new_key
from tests.support.ingest import Shopfloor
from tests.support.shopfloor import receipt

PHONE = "+79265550147"
EMAIL = "Praskovya.K@example.com"
NAME = "Прасковья"
SURNAME = "Косолапова"
WORDS = ("5550147", "praskovya.k@", NAME.lower(), SURNAME.lower())
PERSON = {"phone": PHONE, "email": EMAIL, "first_name": NAME, "last_name": SURNAME}
BORIS = "+79161234599"
VERA = "+79161234588"


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)


@pytest.fixture
def till(shop):
    return Caller(create_app(shop.hub), new_key(shop.hub, shop.programme.id).key)


def everything(engine):
    """Every value of every column of every table, as (table, column, text), lower case."""
    known = MetaData()
    with engine.connect() as connection:
        known.reflect(connection)
        for table in known.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for column, value in row.items():
                    yield table.name, column, _text(value)


def _text(value):
    if isinstance(value, bytes | memoryview):
        value = bytes(value).decode("utf-8", "replace")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    for escaped in ("\\u", "%D0"):
        if escaped in text:
            text += json.dumps(text).encode().decode("unicode_escape")
    digits = "".join(character for character in text if character.isdigit())
    return f"{text} {digits}".lower()


def where_it_stands(engine):
    return sorted({(table, column) for table, column, text in everything(engine) if _named(text)})


def _named(text):
    return any(word in text for word in WORDS)


def done(answer):
    assert answer.status_code < 300, answer.get_data(as_text=True)
    return answer.json


def live_a_little(shop, till):
    """Everything by which a person gets into the database; the person's id."""
    once = {"Idempotency-Key": "enrol"}
    member = done(till.post("/members", {**PERSON, "attributes": {"note": NAME}}, headers=once))
    done(till.post("/members", {"phone": BORIS, "referrer": PHONE}))
    signed = {"how": "paper", "ref": f"form of {SURNAME}"}
    yes = {"purpose": "processing", "given": True, "text_version": 1, "place": "shop"}
    (programme,) = done(till.get("/programmes"))["items"]
    text = {"purpose": "processing", "texts": {"ru": "Да"}}
    done(till.post(f"/programmes/{programme['code']}/consent-texts", text))
    said = {"consents": [{**yes, "proof": signed}]}
    done(till.post(f"/members/{member['id']}/consents", said))
    customer, buyer = {**PERSON, "verified": True}, {"phone": PHONE, "verified": True}
    done(till.post("/purchases", a_purchase(customer=customer), headers={"Idempotency-Key": "p"}))
    done(till.post("/refunds", a_refund(amount="100.00", lines=[_back()], customer=customer)))
    done(till.post("/refunds", a_refund(external_id="r-9", purchase="p-9", customer=customer)))
    mixed = {"phone": BORIS, "email": EMAIL, "verified": True}
    done(till.post("/purchases", a_purchase(external_id="p-2", customer=mixed)))
    done(till.post("/holds", a_basket(member=buyer, cart="c-1", spend="1.00")))
    done(till.post("/quotes", a_basket(member=buyer)))
    for number, whose in (("e-1", {"member": {"phone": PHONE}}), ("e-2", {})):
        event = {"kind": "review", "external_id": number, "data": {"by": NAME, "tel": PHONE}}
        done(till.post("/events", {**event, **whose, "occurred_at": "2026-03-14T11:00:00+03:00"}))
    shop.remote.put("order", "7", receipt("w-7", customer=customer))
    shop.deliver(event=receipt("w-1", customer=customer))
    shop.deliver(hint=[["order", "7"]], billing={"phone": "8 (926) 555-01-47", "name": NAME})
    shop.drain()
    shop.deliver(hint=[["order", "7"]], billing={"email": EMAIL.upper(), "name": SURNAME})
    shop.deliver(event=receipt("w-2", shop="nowhere", customer=customer))
    shop.deliver(what="nobody knows", tel="7-926-555-01-47", name=NAME)
    shop.drain()
    shop.deliver(event=receipt("w-3", customer=customer))
    write_notes(shop, till, member["id"])
    return member["id"]


def write_notes(shop, till, member):
    """What people of the shop write on the person, and beside what was odd."""
    (bought,) = done(till.get("/purchases?external_id=p-1"))["items"]
    (lost,) = done(till.get("/attention/refunds"))["items"]
    said = {"author": "test", "now": shop.hub.clock.now()}
    with write(shop.hub.engine) as connection:
        own = (connection, shop.programme.id)
        write_note(*own, member, f"{NAME} {SURNAME} called from {PHONE}", **said)
        look_at(*own, [bought["id"]], f"Asked {NAME}", **said)
        look_at(*own, [lost["id"]], f"Asked 8 926 {PHONE[-7:]}", **said)


def _back():
    return {"id": "1", "quantity": "0.1", "paid_back": "100.00"}


def test_no_byte_of_the_person_is_left(shop, till, engine):
    member = live_a_little(shop, till)
    found = {table for table, _ in where_it_stands(engine)}
    assert found >= {"deliveries", "happenings", "holds", "idempotency", "identities"}
    assert found >= {"members", "purchases", "refunds", "consents", "looked_at", "member_notes"}
    before = sums(engine)

    done(till.delete(f"/members/{member}", headers={"Idempotency-Key": "erase"}))

    assert where_it_stands(engine) == []
    assert sums(engine) == before
    with read(engine) as connection:
        assert verify_ledger(connection) == []


def sums(engine):
    names = ("available", "pending", "held", "debt")
    with read(engine) as connection:
        figures = [func.sum(accounts.c[name]) for name in names]
        return connection.execute(select(*figures)).one()


def test_others_keep_what_is_theirs(shop, till, engine):
    vera = {"phone": VERA, "verified": True, "first_name": "Вера"}
    shop.deliver(event=receipt("v-1", customer=vera))
    shop.drain()
    shop.deliver(event=receipt("v-2", customer=vera))
    member = live_a_little(shop, till)

    done(till.delete(f"/members/{member}"))

    with read(engine) as connection:
        kept = connection.scalars(
            select(deliveries.c.body).where(deliveries.c.emptied_at.is_(None))
        )
        assert sum(VERA.encode() in body for body in kept) == 2
    shop.drain()
    assert {"v-1", "v-2"} <= set(shop.booked())


def test_what_was_to_be_booked_ends_and_enrols_nobody(shop, till, engine):
    """One delivery waits its turn and one is dead; both hold the person."""
    member = live_a_little(shop, till)

    done(till.delete(f"/members/{member}"))
    shop.drain()

    ended = [one for one in shop.deliveries() if one.error_code == "erased"]
    assert [one.state for one in ended] == ["dropped", "dropped"]
    assert "w-3" not in shop.booked()
    assert where_it_stands(engine) == []
    with read(engine) as connection:
        states = list(connection.scalars(select(members.c.state)))
    assert sorted(states) == ["active", "erased"]


def test_what_a_worker_holds_while_the_person_is_erased_is_not_booked(shop, till, engine):
    """The worker has claimed it with another one, and books after the erasure."""
    vera = {"phone": VERA, "verified": True, "first_name": "Вера"}
    member = live_a_little(shop, till)
    shop.deliver(event=receipt("v-1", customer=vera))
    held = Lease.take(shop.hub, shop.programme.id, 50)
    assert len(held.rows) == 2

    done(till.delete(f"/members/{member}"))
    work_off(shop.hub, held)

    assert "v-1" in shop.booked()
    assert "w-3" not in shop.booked()
    assert where_it_stands(engine) == []
    with read(engine) as connection:
        assert verify_ledger(connection) == []


def test_later_news_of_an_old_receipt_does_not_bring_the_person_back(shop, till, engine):
    member = live_a_little(shop, till)
    done(till.delete(f"/members/{member}"))
    customer = {**PERSON, "verified": True}

    again = a_purchase(
        customer=customer, revision=2, lines=[a_line(amount="900.00", paid="900.00")]
    )
    done(till.post("/purchases", again))
    done(till.post("/refunds", a_refund(external_id="r-3", amount="1.00", customer=customer)))

    assert where_it_stands(engine) == []


def test_whoever_buys_again_is_a_new_member(shop, till, engine):
    member = live_a_little(shop, till)
    done(till.delete(f"/members/{member}"))

    bought = done(till.post("/purchases", a_purchase(external_id="new", customer=PERSON)))

    assert bought["member"] not in (None, member)


def test_an_answer_that_named_the_person_is_not_repeated(shop, till, engine):
    member = live_a_little(shop, till)
    done(till.delete(f"/members/{member}"))

    with read(engine) as connection:
        assert connection.scalars(select(idempotency.c.key)).all() == []
