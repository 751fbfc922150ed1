"""What is for some members alone."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body, render, render_quote
from hub.web.api import member_schemas as wire
from hub.web.api.call import NOTHING, Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.service.club_events import give_back_place, member_events, take_place
from loyalty_core.service.clubs import join_club, leave_club
from loyalty_core.service.member_offers import member_offers
from loyalty_core.service.personal_lists import OwnList, member_lists, set_list

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
    """What is for this member: promotions that look at who is buying, events with places left."""

    def look(connection: Connection) -> Answer:
        asked = (connection, call.plans, call.key.programme_id, member_id)
        return answer(
            {
                "items": [render_quote.offer(one) for one in member_offers(*asked, now=call.now)],
                "events": [render.event(one) for one in member_events(*asked, now=call.now)],
            }
        )

    return call.read(look)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/lists",
        scope=SCOPE,
        gives={200: wire.OwnListsSchema},
        refuses=(404,),
    ),
)
def show_lists(call: Call, member_id: str) -> Answer:
    """The member's own goods, by the lists of the rules in force."""
    lists = call.read(
        lambda connection: member_lists(
            connection, call.plans, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer({"items": [_own_list(one) for one in lists]})


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/members/<member_id>/lists/<own_list>",
        scope=SCOPE,
        takes=wire.NewListSchema,
        gives={200: wire.OwnListSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def put_list(call: Call, member_id: str, own_list: str) -> Answer:
    """Put these goods, and no others, into a list of the member's."""
    told = body.read_json()
    said = body.load(wire.NewListSchema().load, told)["items"]
    items = [
        PersonalGoods("", kind, "", one[kind], one["until"])
        for one in said
        for kind in ("sku", "category")
        if kind in one
    ]
    return call.write(
        lambda connection: answer(
            _own_list(
                set_list(
                    connection,
                    call.plans,
                    call.key.programme_id,
                    member_id,
                    own_list,
                    items,
                    now=call.now,
                )
            )
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/clubs",
        scope=SCOPE,
        takes=wire.NewMembershipSchema,
        gives={201: wire.MembershipSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def post_club(call: Call, member_id: str) -> Answer:
    """Take the member into a club, or set the end of a membership that runs."""
    told = body.read_json()
    said = body.load(wire.NewMembershipSchema().load, told)
    return call.write(
        lambda connection: answer(
            render.club(
                join_club(
                    connection,
                    call.plans,
                    call.key.programme_id,
                    member_id,
                    said["club"],
                    said["until"],
                    author=call.author,
                    now=call.now,
                )
            ),
            201,
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/members/<member_id>/clubs/<club>",
        scope=SCOPE,
        gives={204: None},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def delete_club(call: Call, member_id: str, club: str) -> Answer:
    """End the membership now; 204 also if there is none."""

    def leave(connection: Connection) -> Answer:
        own = (call.plans, call.key.programme_id, member_id, club)
        leave_club(connection, *own, author=call.author, now=call.now)
        return NOTHING

    return call.write(leave, told=None)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/events/<event>",
        scope=SCOPE,
        gives={201: wire.EventPlaceSchema, 200: wire.EventPlaceSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def post_place(call: Call, member_id: str, event: str) -> Answer:
    """Take a place at a club event; 200 if the member has one already."""

    def take(connection: Connection) -> Answer:
        seen = take_place(
            connection, call.plans, call.key.programme_id, member_id, event, now=call.now
        )
        return answer(render.event(seen), 201 if seen.fresh else 200)

    return call.write(take, told=None)


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/members/<member_id>/events/<event>",
        scope=SCOPE,
        gives={204: None},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def delete_place(call: Call, member_id: str, event: str) -> Answer:
    """Give the place back; 204 also if there is none."""

    def give_back(connection: Connection) -> Answer:
        give_back_place(connection, call.key.programme_id, member_id, event)
        return NOTHING

    return call.write(give_back, told=None)


def _own_list(seen: OwnList) -> dict[str, Any]:
    return {
        "code": seen.code,
        "name": seen.name,
        "auto": seen.auto,
        "items": [
            {one.kind: one.name, "until": None if one.until is None else one.until.isoformat()}
            for one in seen.items
        ],
    }
