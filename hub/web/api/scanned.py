"""Who shows a code at the till: bodies that name a member by it name the member from then on.

A code that is not good, or no longer, is passed over; the other names of the buyer count.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hub.web.api.call import Call
from loyalty_core.service.member_cards import TOLD_LATER, known_by_code
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.events import Customer, Event

PURPOSE = "member codes"
"""Of the vault's key for them."""
_AT_ONCE = timedelta(0)


def secret_of(call: Call) -> bytes:
    """The key under which codes are made."""
    return call.room.hub.vault.derive(PURPOSE)


def basket(call: Call, request: QuoteRequest) -> QuoteRequest:
    """A code in a basket is good until its end."""
    if request.member is None or request.member.code is None:
        return request
    member = known_by_code(
        secret_of(call), call.key.programme_id, request.member, call.now, later=_AT_ONCE
    )
    return replace(request, member=member)


def event(call: Call, told: Event) -> Event:
    """A receipt is made some time after the buyer was scanned.  Its own time decides, so that
    the same receipt is the same whenever it is told."""
    if told.customer is None or told.customer.code is None:
        return told
    return replace(told, customer=customer(call, told.customer, told.occurred_at))


def customer(call: Call, said: Customer, at: datetime) -> Customer:
    return known_by_code(secret_of(call), call.key.programme_id, said, at, later=TOLD_LATER)
