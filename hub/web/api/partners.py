"""Partners of the programme, and what each side owes."""

from __future__ import annotations

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import settlement
from hub.web.api import body
from hub.web.api import partner_schemas as wire
from hub.web.api.call import Call, Operation, answer, check_reach
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.service import partners as service

SCOPE = "admin"
blueprint = Blueprint("partners", __name__, description="Other companies in the programme.")


@operation(
    blueprint,
    Operation(method="GET", rule="/partners", scope=SCOPE, gives={200: wire.PartnersSchema}),
)
def list_partners(call: Call) -> Answer:
    """The programme's partners, in the order of their codes."""
    found = call.read(lambda connection: service.list_partners(connection, call.key.programme_id))
    return answer({"items": [settlement.partner(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/partners/<partner>",
        scope=SCOPE,
        takes=wire.PartnerTermsSchema,
        gives={200: wire.PartnerSchema},
        idempotency_key="optional",
    ),
)
def put_partner(call: Call, partner: str) -> Answer:
    """Make a partner, or put these terms in the place of its own.

    A changed price holds for purchases that come from now on.
    """
    told = body.read_json()
    terms = body.load(wire.PartnerTermsSchema().load, told)
    for shop in terms.shops:
        check_reach(call, shop)

    def work(connection: Connection) -> Answer:
        put = service.set_partner(
            connection,
            call.plans,
            call.key.programme_id,
            partner,
            terms,
            author=call.author,
            now=call.now,
        )
        return answer(settlement.partner(put))

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/partners/<partner>/settlement",
        scope=SCOPE,
        query=wire.SettlementQuerySchema(),
        gives={200: wire.SettlementSchema},
        refuses=(404,),
    ),
)
def settle_partner(call: Call, partner: str) -> Answer:
    """What is booked of a partner in whole days, and what each side owes for it."""
    asked = body.read_query(wire.SettlementQuerySchema())
    return answer(
        settlement.document(
            call.look(
                lambda connection: service.settle(
                    connection, call.key.programme_id, partner, asked["first"], asked["last"]
                )
            )
        )
    )
