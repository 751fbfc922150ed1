"""Who shows a code at the till: bodies that name a member by it name the member from then on.

A code that is not good, or no longer, is passed over; the other names of the buyer count.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.web.api.call import Call
from loyalty_core.service.member_cards import MEMBER_CODES, TOLD_LATER, known_by_code
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.events import Customer, Event

_AT_ONCE = timedelta(0)


def basket(call: Call, connection: Connection, request: QuoteRequest) -> QuoteRequest:
    """A code in a basket is good until its end."""
    if request.member is None or request.member.code is None:
        return request
    return replace(request, member=_known(call, connection, request.member, call.now, _AT_ONCE))


def event(call: Call, connection: Connection, told: Event) -> Event:
    """A receipt is made some time after the buyer was scanned.  Its own time decides, so that
    the same receipt is the same whenever it is told."""
    if told.customer is None or told.customer.code is None:
        return told
    return replace(told, customer=customer(call, connection, told.customer, told.occurred_at))


def customer(call: Call, connection: Connection, said: Customer, at: datetime) -> Customer:
    return _known(call, connection, said, at, TOLD_LATER)


def _known(
    call: Call, connection: Connection, said: Customer, at: datetime, later: timedelta
) -> Customer:
    secrets, programme_id = call.room.hub.vault.each(MEMBER_CODES), call.key.programme_id
    return known_by_code(connection, secrets, programme_id, said, at, later=later)
