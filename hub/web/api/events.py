"""Events: what happened at tills and in shops, taken as facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body, scanned
from hub.web.api import schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.errors import PurchaseNotFound
from loyalty_core.service.member_pages import find_purchases
from loyalty_core.service.record_events import (
    EventReceipt,
    Incoming,
    record_events,
)
from loyalty_core.service.record_happening import record_happening
from loyalty_kit.events import Event
from loyalty_kit.events_schema import PurchaseSchema, RefundSchema, load_purchase, load_refund
from loyalty_kit.money import format_decimal

SCOPE = "events"
RECEIPTS = {201: wire.ReceiptSchema, 200: wire.ReceiptSchema, 202: wire.ReceiptSchema}
blueprint = Blueprint("events", __name__, description="Purchases, refunds, and other events.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/purchases",
        scope=SCOPE,
        takes=PurchaseSchema,
        gives={201: wire.ReceiptSchema, 200: wire.ReceiptSchema},
        refuses=(409,),
        idempotency_key="optional",
    ),
)
def purchase(call: Call) -> Answer:
    """Book a purchase.

    201 the first time, 200 for one that is known.  What does not fit is booked and flagged.
    """
    told = body.read_json()
    return _record(call, body.load(load_purchase, told), told)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/refunds",
        scope=SCOPE,
        takes=RefundSchema,
        gives=RECEIPTS,
        refuses=(409,),
        idempotency_key="optional",
    ),
)
def refund(call: Call) -> Answer:
    """Book a refund; 202 while its purchase is not known."""
    told = body.read_json()
    return _record(call, body.load(load_refund, told), told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/purchases",
        scope=SCOPE,
        query=wire.PurchaseQuerySchema(),
        gives={200: wire.PurchasesSchema},
    ),
)
def list_purchases(call: Call) -> Answer:
    """The purchases with an id at their source, or of an order."""
    asked = body.read_query(wire.PurchaseQuerySchema())
    found = call.read(
        lambda connection: find_purchases(connection, call.plans, call.source, **asked)
    )
    return answer({"items": found})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/purchases/<purchase_id>",
        scope=SCOPE,
        gives={200: wire.PurchaseViewSchema},
        refuses=(404,),
    ),
)
def show_purchase(call: Call, purchase_id: str) -> Answer:
    """A purchase as it is known."""
    found = call.read(
        lambda connection: find_purchases(
            connection, call.plans, call.source, purchase_id=purchase_id
        )
    )
    if not found:
        raise PurchaseNotFound
    return answer(found[0])


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/events",
        scope=SCOPE,
        takes=wire.HappeningSchema,
        gives={201: wire.ReceiptSchema, 200: wire.ReceiptSchema},
        refuses=(409,),
        idempotency_key="optional",
    ),
)
def happening(call: Call) -> Answer:
    """Take what is not a purchase: a review, a registration, a visit, ..."""
    told = body.read_json()
    event = body.load(wire.HappeningSchema().load, told)

    def work(connection: Connection) -> Answer:
        known = event
        if event.member is not None:
            member = scanned.customer(call, connection, event.member, event.occurred_at)
            known = replace(event, member=member)
        return _receipt(record_happening(connection, call.plans, call.source, known, now=call.now))

    return call.write(work, told=told)


def _record(call: Call, event: Event, told: object) -> Answer:
    def work(connection: Connection) -> Answer:
        incoming = [Incoming(call.source, scanned.event(call, connection, event))]
        (receipt,) = record_events(connection, call.plans, incoming, now=call.now)
        return _receipt(receipt)

    return call.write(work, told=told)


def receipt_told(receipt: EventReceipt) -> dict[str, Any]:
    """The body of an answer to an event."""
    return {
        "id": receipt.id,
        "status": receipt.status,
        "member": receipt.member,
        "points": {name: format_decimal(count) for name, count in receipt.points.items()},
        "certificates": {name: format_decimal(one) for name, one in receipt.certificates.items()},
        "flags": list(receipt.flags),
    }


def _receipt(receipt: EventReceipt) -> Answer:
    return answer(receipt_told(receipt), _status(receipt))


def _status(receipt: EventReceipt) -> int:
    if receipt.status == "waiting":
        return 202
    return 201 if receipt.created else 200
