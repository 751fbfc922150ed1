"""Gift certificates: lots, balance, top-up, block, movements.

Codes go in bodies, never in addresses: an address is logged, and a code is money.
"""

from __future__ import annotations

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import guesses
from hub.refusal import Refusal
from hub.web.api import body, once
from hub.web.api import certificate_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.certificates import LENGTH
from loyalty_core.domain.coupon_codes import told as told_code
from loyalty_core.domain.errors import CertificateNotFound
from loyalty_core.service import certificates as service
from loyalty_core.service.certificates import NewLot, TopUp
from loyalty_kit.money import format_decimal

CHECKOUT = "checkout"
EVENTS = "events"
MEMBERS = "members"
ADMIN = "admin"
blueprint = Blueprint("certificates", __name__, description="Gift certificates.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/certificates/lots",
        scope=ADMIN,
        takes=wire.NewCertificatesSchema,
        gives={201: wire.CertificateLotSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def issue_certificates(call: Call) -> Answer:
    """Issue certificates of a series; the lot's name once more answers with the same codes."""
    told = body.read_json()
    said = body.load(wire.NewCertificatesSchema().load, told)
    wanted = NewLot(
        said["lot"],
        said["series"],
        said["count"],
        said["nominal"],
        said["loaded"],
        said["member"],
    )

    def work(connection: Connection) -> Answer:
        programme = call.key.programme_id
        service.open_lot(
            connection, call.plans, programme, wanted, author=call.author, now=call.now
        )
        lot = service.fill_lot(
            connection, programme, wanted.name, now=call.now, portion=wanted.size
        )
        pages = service.all_certificates(connection, programme, lot)
        nominal = lot.nominal_minor
        return answer(
            {
                "lot": lot.name,
                "series": lot.terms.series,
                "count": lot.made,
                "nominal": None if nominal is None else format_decimal(nominal),
                "codes": [told_code(one.code, LENGTH) for page in pages for one in page],
            },
            201,
        )

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/certificates/check",
        scope=CHECKOUT,
        takes=wire.CodeSchema,
        gives={200: wire.CertificateSchema},
        refuses=(404,),
    ),
)
def check_certificate(call: Call) -> Answer:
    """What is on a certificate.  Wrong codes are counted: too many are 429."""
    code = body.load(wire.CodeSchema().load, body.read_json())["code"]
    callers = guesses.lookers_of(call.key.id)
    call.room.guesses.check(callers, call.now)
    try:
        found = call.read(
            lambda connection: service.check_certificate(
                connection, call.key.programme_id, code, now=call.now
            )
        )
    except CertificateNotFound:
        call.room.guesses.count(callers, 1, call.now)
        raise
    if found["state"] == "issued":
        call.room.guesses.count(callers, 1, call.now)
    return answer(found)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/certificates/top-up",
        scope=EVENTS,
        takes=wire.TopUpSchema,
        gives={201: wire.CertificateSchema},
        refuses=(404, 409),
        idempotency_key="required",
    ),
)
def top_up_certificate(call: Call) -> Answer:
    """Put money that was paid elsewhere onto a certificate; the first activates it."""
    told = body.read_json()
    key = once.sent_key()
    if key is None:
        raise Refusal(400, "idempotency_key_required")
    said = body.load(wire.TopUpSchema().load, told)
    wanted = TopUp(said["code"], said["amount"], f"{call.source.name}/{key}", call.author)
    callers = guesses.lookers_of(call.key.id)
    call.room.guesses.check(callers, call.now)

    wrong = False

    def work(connection: Connection) -> Answer:
        nonlocal wrong
        wrong = False
        try:
            found = service.top_up(connection, call.key.programme_id, wanted, now=call.now)
        except CertificateNotFound:
            wrong = True
            raise
        return answer(found, 201)

    done = call.write(work, told=told)
    # After it: work that a database cuts off is done again, and is one guess.
    if wrong:
        call.room.guesses.count(callers, 1, call.now)
    return done


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/certificates/block",
        scope=ADMIN,
        takes=wire.BlockCertificateSchema,
        gives={200: wire.CertificateSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def block_certificate(call: Call) -> Answer:
    """Let a certificate not be paid with, or be used again; what holds reserved stays."""
    told = body.read_json()
    said = body.load(wire.BlockCertificateSchema().load, told)
    return call.write(
        lambda connection: answer(
            service.block_certificate(
                connection,
                call.key.programme_id,
                said["code"],
                blocked=said["blocked"],
                author=call.author,
                now=call.now,
            )
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/certificates/<certificate_id>/moves",
        scope=ADMIN,
        gives={200: wire.MovesSchema},
        refuses=(404,),
    ),
)
def certificate_moves(call: Call, certificate_id: str) -> Answer:
    """The movements of a certificate, the oldest first."""
    found = call.read(
        lambda connection: service.certificate_moves(
            connection, call.key.programme_id, certificate_id
        )
    )
    return answer({"items": found})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/certificates",
        scope=MEMBERS,
        gives={200: wire.CertificatesSchema},
        refuses=(404,),
    ),
)
def member_certificates(call: Call, member_id: str) -> Answer:
    """The member's own certificates, the newest first."""
    found = call.read(
        lambda connection: service.member_certificates(
            connection, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer({"items": found})
