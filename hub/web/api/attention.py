"""Lists for a person: what the hub could not settle by itself."""

from __future__ import annotations

from flask_smorest import Blueprint

from hub.web.api import attention_schemas as wire
from hub.web.api import body, render
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.api.schemas import PageQuerySchema
from loyalty_core.service import to_look_at

SCOPE = "admin"
blueprint = Blueprint("attention", __name__, description="What a person is to look at.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/attention/refunds",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.LostRefundsSchema},
    ),
)
def list_lost_refunds(call: Call) -> Answer:
    """Refunds that found no purchase, the newest first.

    A key that is bound to shops reads those of its shops.
    """
    asked = body.read_query(PageQuerySchema())
    programme, shops = call.key.programme_id, call.key.shops
    found = call.read(lambda c: to_look_at.lost_refunds(c, programme, shops=shops, **asked))
    return answer(render.page(found))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/attention/conflicts",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.ConflictsSchema},
    ),
)
def list_conflicts(call: Call) -> Answer:
    """Pairs of members whom one receipt named together, the newest first."""
    asked = body.read_query(PageQuerySchema())
    programme = call.key.programme_id
    return answer(render.page(call.read(lambda c: to_look_at.conflicts(c, programme, **asked))))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/attention/erasures",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.WishesToEraseSchema},
    ),
)
def list_erasures(call: Call) -> Answer:
    """Members who have withdrawn the consent to processing, whose wish is the oldest first."""
    asked = body.read_query(PageQuerySchema())
    programme = call.key.programme_id
    return answer(render.page(call.read(lambda c: to_look_at.erasures(c, programme, **asked))))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/attention/receipts",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.FlaggedReceiptsSchema},
    ),
)
def list_flagged_receipts(call: Call) -> Answer:
    """Purchases and refunds that did not fit and were booked all the same, the newest first.

    A key that is bound to shops reads those of its shops.
    """
    asked = body.read_query(PageQuerySchema())
    programme, shops = call.key.programme_id, call.key.shops
    found = call.read(lambda c: to_look_at.flagged_receipts(c, programme, shops=shops, **asked))
    return answer(render.page(found))
