"""The electronic card: its number, its short-lived code, and pictures of both."""

from __future__ import annotations

import io
from typing import Any

import segno
from barcode.ean import EuropeanArticleNumber13
from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body
from hub.web.api import member_schemas as wire
from hub.web.api.call import NOTHING, Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.service import member_cards as service
from loyalty_core.store.cards import KeptCard

SCOPE = "members"
SVG, PNG = "image/svg+xml", "image/png"
blueprint = Blueprint("cards", __name__, description="The member's card on a screen.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/card",
        scope=SCOPE,
        gives={201: wire.CardSchema, 200: wire.CardSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def issue(call: Call, member_id: str) -> Answer:
    """Give the member a card; 200 with the one that is there."""

    def work(connection: Connection) -> Answer:
        card, created = service.issue_card(
            connection, call.plans, call.key.programme_id, member_id, now=call.now
        )
        return answer(_told(call, card), 201 if created else 200)

    return call.write(work, told=None)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/card",
        scope=SCOPE,
        gives={200: wire.CardSchema},
        refuses=(404,),
    ),
)
def show(call: Call, member_id: str) -> Answer:
    """The card, and a code that a till takes for some minutes."""
    return answer(_told(call, _card(call, member_id)))


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/members/<member_id>/card",
        scope=SCOPE,
        gives={204: None},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def end(call: Call, member_id: str) -> Answer:
    """Take the card away: its number is nobody's at once.  A new one is issued anew."""

    def work(connection: Connection) -> Answer:
        service.end_card(connection, call.key.programme_id, member_id, now=call.now)
        return NOTHING

    return call.write(work, told=None)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/card/qr",
        scope=SCOPE,
        query=wire.CardPictureSchema(),
        gives={200: None},
        refuses=(404,),
    ),
)
def qr(call: Call, member_id: str) -> Answer:
    """A QR code of the short-lived code, or of the number; SVG or PNG."""
    asked = body.read_query(wire.CardPictureSchema())
    card = _card(call, member_id)
    text = card.number if asked["of"] == "number" else _code(call, card).text
    kind, out = asked["format"], io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind=kind, scale=8)
    return Answer(200, out.getvalue(), SVG if kind == "svg" else PNG)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/card/barcode",
        scope=SCOPE,
        gives={200: None},
        refuses=(404,),
    ),
)
def barcode(call: Call, member_id: str) -> Answer:
    """The number as EAN-13, for scanners of goods; SVG."""
    out = io.BytesIO()
    EuropeanArticleNumber13(_card(call, member_id).number).write(out)
    return Answer(200, out.getvalue(), SVG)


def _card(call: Call, member_id: str) -> KeptCard:
    """Raises: MemberNotFound, CardNotFound."""
    return call.read(
        lambda connection: service.card_of(connection, call.key.programme_id, member_id)
    )


def _code(call: Call, card: KeptCard) -> service.Code:
    secret = call.room.hub.vault.derive(service.MEMBER_CODES)
    return service.make_code(secret, call.key.programme_id, card.member_id, call.now)


def _told(call: Call, card: KeptCard) -> dict[str, Any]:
    code = _code(call, card)
    return {
        "number": card.number,
        "issued_at": card.issued_at.isoformat(),
        "code": code.text,
        "code_ends_at": code.ends_at.isoformat(),
    }
