"""What is for some members alone."""

from __future__ import annotations

from flask_smorest import Blueprint

from hub.web.api import member_schemas as wire
from hub.web.api import render_quote
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.service.member_offers import member_offers

SCOPE = "members"
blueprint = Blueprint("privileges", __name__, description="What is for some members alone.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/offers",
        scope=SCOPE,
        gives={200: wire.OffersSchema},
        refuses=(404,),
    ),
)
def show_offers(call: Call, member_id: str) -> Answer:
    """What is for this member: promotions in force that look at who is buying."""
    offers = call.read(
        lambda connection: member_offers(
            connection, call.plans, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer({"items": [render_quote.offer(one) for one in offers]})
