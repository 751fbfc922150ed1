"""Staff enter a person at a till: a new member, or one who is known already."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.service import identify
from loyalty_core.service.members import MemberCard, NewMember, enrol_member, get_member
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.source import Source
from loyalty_core.store import members as store
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_kit.events import Customer


def enter_member(
    connection: Connection, plans: PlanCache, source: Source, new: NewMember, *, now: datetime
) -> MemberCard:
    """The member whom staff entered, found by the first name that is known, else enrolled.

    Free names become the member's: unlike a shop's login (`adr/0008`), a cashier has the person
    in front of them; but for numbers of cards that were taken away.  What is known of the person
    otherwise stays as it is.

    Raises: PhoneImpossible, InvalidInput (no name at all, or no date).
    """
    region = plans.phone_region(connection, source.programme_id)
    customer = Customer(external=new.external, card=new.card, phone=new.phone, email=new.email)
    keys = identify.names_of(customer, source.name, region)
    identify.lock_names(connection, source.programme_id, keys)
    owners = store.owners(connection, source.programme_id, keys)
    known = next((owners[key] for key in keys if key in owners), None)
    held = [] if known is None else [known]
    member = store.lock_survivors(connection, source.programme_id, held).get(known or 0)
    if member is None:
        return enrol_member(connection, plans, source, new, now=now)
    free = [key for key in keys if key not in owners]
    dead = identify.dead_cards(connection, source.programme_id, free)
    rows = [
        identify.name_row(source.programme_id, key, member, verified=False, now=now)
        for key in free
        if key not in dead
    ]
    store.add_names(connection, rows)
    identify.tell_shops(connection, rows, now=now)
    return get_member(connection, plans, source.programme_id, to_wire("m", member), now=now)


def known_member(
    connection: Connection, plans: PlanCache, source: Source, customer: Customer, *, now: datetime
) -> MemberCard | None:
    """The member whom these words name, in the order in which names count (`ledger.md` 27).

    Raises: PhoneImpossible.
    """
    region = plans.phone_region(connection, source.programme_id)
    told = from_wire("m", customer.id) if customer.id else None
    ids = [] if told is None else [told]
    member = store.survivors(connection, source.programme_id, ids).get(told or 0)
    if member is None:
        keys = identify.names_of(customer, source.name, region)
        owners = store.owners(connection, source.programme_id, keys)
        member = next((owners[key] for key in keys if key in owners), None)
    if member is None:
        return None
    return get_member(connection, plans, source.programme_id, to_wire("m", member), now=now)
