"""One purchase that several connections saw (`ledger.md` 24)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body, render
from hub.web.api import link_schemas as wire
from hub.web.api.call import NOTHING, Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.api.schemas import PageQuerySchema
from loyalty_core.service import links as service
from loyalty_core.service.part_and_join import Decision, join_purchases, part_purchase
from loyalty_core.store.database import rehearse

SCOPE = "admin"
blueprint = Blueprint("links", __name__, description="Purchases that were seen twice.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/purchase-links",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.LinksSchema},
    ),
)
def list_purchase_links(call: Call) -> Answer:
    """Purchases that were seen twice, the newest first, each with the one that counts.

    A key that is bound to shops reads those of which both are of its shops.
    """
    asked = body.read_query(PageQuerySchema())
    programme, shops = call.key.programme_id, call.key.shops
    found = call.read(lambda c: service.list_links(c, programme, shops=shops, **asked))
    return answer(render.page(found))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/purchases/<purchase_id>/part",
        scope=SCOPE,
        takes=wire.PartingSchema,
        gives={200: wire.MovedSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def part(call: Call, purchase_id: str) -> Answer:
    """Make a linked purchase one of its own; it tells which accounts that moves."""
    told = body.read_json()
    asked = body.load(wire.PartingSchema().load, told)
    said = _said(call)
    return _done(call, told, asked, lambda c: part_purchase(c, call.plans, purchase_id, said))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/purchases/<purchase_id>/join",
        scope=SCOPE,
        takes=wire.JoiningSchema,
        gives={200: wire.MovedSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def join(call: Call, purchase_id: str) -> Answer:
    """Make two records one purchase, of which the first counts."""
    told = body.read_json()
    asked = body.load(wire.JoiningSchema().load, told)
    said = _said(call)
    return _done(
        call,
        told,
        asked,
        lambda c: join_purchases(c, call.plans, purchase_id, asked["other"], said),
    )


def _said(call: Call) -> Decision:
    return Decision(call.key.programme_id, call.author, call.now, call.key.shops)


def _done(
    call: Call, told: Any, asked: dict[str, Any], work: Callable[[Connection], list[dict[str, Any]]]
) -> Answer:
    if asked["preview"]:
        return answer({"items": rehearse(call.room.hub.engine, work)})
    return call.write(lambda connection: answer({"items": work(connection)}), told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/connection-links",
        scope=SCOPE,
        gives={200: wire.ConnectionLinksSchema},
    ),
)
def list_connection_links(call: Call) -> Answer:
    """Connections that were declared to see each other's orders."""
    found = call.read(lambda c: service.declared_links(c, call.key.programme_id))
    return answer({"items": found})


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/connection-links/<connection_id>/<seen_in>",
        scope=SCOPE,
        takes=wire.ConnectionLinkTermsSchema,
        gives={200: wire.ConnectionLinkSchema},
        idempotency_key="optional",
    ),
)
def put_connection_link(call: Call, connection_id: str, seen_in: str) -> Answer:
    """Declare that orders of one connection are seen in another; it holds from now on."""
    told = body.read_json()
    terms = body.load(wire.ConnectionLinkTermsSchema().load, told)

    def work(connection: Connection) -> Answer:
        put = service.declare_link(
            connection,
            call.key.programme_id,
            connection_id,
            seen_in,
            terms,
            author=call.author,
            now=call.now,
        )
        return answer(put)

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/connection-links/<connection_id>/<seen_in>",
        scope=SCOPE,
        gives={204: None},
        refuses=(422,),
    ),
)
def delete_connection_link(call: Call, connection_id: str, seen_in: str) -> Answer:
    """Take a declaration back; what is linked stays."""

    def work(connection: Connection) -> Answer:
        programme = call.key.programme_id
        service.take_link_back(
            connection, programme, connection_id, seen_in, author=call.author, now=call.now
        )
        return NOTHING

    return call.write(work, told=None)
