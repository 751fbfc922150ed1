"""Receipts that members register by their QR codes."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import guesses
from hub.ingest.receipts import look_up
from hub.web.api import body
from hub.web.api import member_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.events import receipt_told
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.errors import ReceiptDiffers
from loyalty_core.domain.fiscal_qr import read_qr
from loyalty_core.service.members import member_row
from loyalty_core.service.receipts import EventReceipt
from loyalty_core.service.register_receipt import WAITING, register_receipt
from loyalty_core.store.ids import to_wire

SCOPE = "members"
blueprint = Blueprint("receipts", __name__, description="Fiscal receipts of members.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/receipts",
        scope=SCOPE,
        takes=wire.ReceiptQrSchema,
        gives={201: wire.RegisteredSchema, 200: wire.RegisteredSchema, 202: wire.RegisteredSchema},
        refuses=(404, 409, 429),
        idempotency_key="optional",
    ),
)
def register(call: Call, member_id: str) -> Answer:
    """Register a purchase by the QR code of its receipt; 202 until the shop has reported it.

    Codes that are not right, or not known yet, are counted: too many are 429.
    """
    told = body.read_json()
    qr = read_qr(body.load(wire.ReceiptQrSchema().load, told)["qr"])
    # By whatever id the member is named, as by one that was merged.
    member = call.read(lambda connection: member_row(connection, call.key.programme_id, member_id))
    callers = guesses.callers_of(call.key.id, member=to_wire("m", member["id"]))
    call.room.guesses.check(callers, call.now)
    new: list[EventReceipt] = []

    def work(connection: Connection) -> Answer:
        try:
            receipt = register_receipt(
                connection, call.plans, call.key.programme_id, member_id, qr, now=call.now
            )
        except ReceiptDiffers:
            call.room.guesses.count(callers, 1, call.now)
            raise
        new[:] = [receipt] if receipt.created else []
        if new and receipt.status == WAITING:
            look_up(call.room.hub, connection, call.key.programme_id, qr.text, now=call.now)
        return _answer(receipt)

    given = call.write(work, told=told)
    if any(receipt.status == WAITING for receipt in new):
        call.room.guesses.count(callers, 1, call.now)
        call.room.hub.bell.ring(call.key.programme_id)
    return given


def _answer(receipt: EventReceipt) -> Answer:
    if receipt.status == WAITING:
        document: dict[str, Any] = receipt_told(receipt) | {"id": None}
        return answer(document, 202)
    return answer(receipt_told(receipt), 201 if receipt.created else 200)
