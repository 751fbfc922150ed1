"""Confirmation codes: sent, and checked (X5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.outbox.messages import CODES, channels_of
from hub.web.api import body
from hub.web.api import schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.errors import CONTENT_TYPE, asked_language, problem_of
from loyalty_core.domain.errors import CodeRefused
from loyalty_core.service.confirm import Wanted, ask_code, check_code

SCOPE = "checkout"
blueprint = Blueprint("confirmations", __name__, description="Codes that prove who is buying.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/confirmations",
        scope=SCOPE,
        takes=wire.AskCodeSchema,
        gives={202: wire.AskedCodeSchema},
        refuses=(404, 429),
        idempotency_key="optional",
    ),
)
def send_code(call: Call) -> Answer:
    """Send a confirmation code to the member's phone or mailbox."""
    told = body.read_json()
    wanted = Wanted(**body.load(wire.AskCodeSchema().load, told))

    def work(connection: Connection) -> Answer:
        hub = call.room.hub
        asked = ask_code(
            connection,
            call.plans,
            call.source,
            wanted,
            channels=channels_of(hub, connection, call.key.programme_id),
            secret=call.room.hub.vault.derive(CODES),
            now=call.now,
        )
        told_back = {
            "id": asked.id,
            "channel": asked.channel,
            "retry_after_s": asked.retry_after_s,
        }
        return answer(told_back, 202)

    given = call.write(work, told=told)
    call.room.hub.bell.ring(call.key.programme_id)
    return given


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/confirmations/<confirmation_id>/check",
        scope=SCOPE,
        takes=wire.CheckCodeSchema,
        gives={200: wire.CheckedCodeSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def check(call: Call, confirmation_id: str) -> Answer:
    """Check a code; each call is one of its five attempts."""
    told = body.read_json()
    code = body.load(wire.CheckCodeSchema().load, told)["code"]

    def work(connection: Connection) -> Answer:
        checked = check_code(
            connection,
            call.source,
            confirmation_id,
            code,
            secrets=secrets_of(call),
            now=call.now,
        )
        return answer({"id": checked.id, "purpose": checked.purpose, "member": checked.member})

    return call.write(counted(work), told=told)


def secrets_of(call: Call) -> Iterable[bytes]:
    """The keys under which codes may have been made."""
    return call.room.hub.vault.each(CODES)


def counted(work: Callable[[Connection], Answer]) -> Callable[[Connection], Answer]:
    """`work`, whose transaction commits where a code was refused, so that the attempt counts."""

    def done(connection: Any) -> Answer:
        try:
            return work(connection)
        except CodeRefused as error:
            problem = problem_of(error)
            return Answer(problem.status, problem.body(asked_language()), CONTENT_TYPE)

    return done
