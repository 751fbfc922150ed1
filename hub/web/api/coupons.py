"""Coupons: lots, single codes, a member's own, and points given for one."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import guesses
from hub.web.api import body, once
from hub.web.api import coupon_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.coupon_codes import told as told_code
from loyalty_core.domain.errors import CouponNotFound
from loyalty_core.service import coupons as service
from loyalty_core.service.coupons import NewLot
from loyalty_core.service.exchange_points import Exchange, exchange_points

CHECKOUT = "checkout"
MEMBERS = "members"
ADMIN = "admin"
blueprint = Blueprint("coupons", __name__, description="Codes that give a promotion.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/coupons/lots",
        scope=ADMIN,
        takes=wire.NewLotSchema,
        gives={201: wire.CouponLotSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def make_lot(call: Call) -> Answer:
    """Make coupons of a series; the lot's name once more answers with the same codes."""
    told = body.read_json()
    said = body.load(wire.NewLotSchema().load, told)
    wanted = NewLot(
        said["lot"],
        said["series"],
        said["count"],
        said["member"],
        said["starts_at"],
        said["ends_at"],
    )

    def work(connection: Connection) -> Answer:
        asked = (connection, call.plans, call.key.programme_id)
        service.open_lot(*asked, wanted, author=call.author, now=call.now)
        lot = service.fill_lot(*asked, wanted.name, portion=wanted.size)
        pages = service.all_coupons(connection, call.key.programme_id, lot)
        return answer(
            {
                "lot": lot.name,
                "series": lot.series,
                "count": lot.made,
                "state": lot.state,
                "codes": [told_code(one.code) for page in pages for one in page],
            },
            201,
        )

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/coupons/<coupon>",
        scope=CHECKOUT,
        gives={200: wire.CouponSchema},
        refuses=(404,),
    ),
)
def show_coupon(call: Call, coupon: str) -> Answer:
    """A coupon as it stands.  Wrong codes are counted: too many are 429."""
    callers = guesses.lookers_of(call.key.id)
    call.room.guesses.check(callers, call.now)
    try:
        found = call.read(
            lambda connection: service.show_coupon(
                connection, call.key.programme_id, coupon, now=call.now
            )
        )
    except CouponNotFound:
        call.room.guesses.count(callers, 1, call.now)
        raise
    return answer(found)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/coupons/<coupon>/block",
        scope=ADMIN,
        takes=wire.BlockSchema,
        gives={200: wire.CouponSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def block_coupon(call: Call, coupon: str) -> Answer:
    """Let a coupon not be used any more, or be used again; what holds promised stays."""
    told = body.read_json()
    blocked = body.load(wire.BlockSchema().load, told)["blocked"]
    return call.write(
        lambda connection: answer(
            service.block_coupon(
                connection,
                call.key.programme_id,
                coupon,
                blocked=blocked,
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
        rule="/members/<member_id>/coupons",
        scope=MEMBERS,
        gives={200: wire.CouponsSchema},
        refuses=(404,),
    ),
)
def member_coupons(call: Call, member_id: str) -> Answer:
    """The member's own coupons, the newest first."""
    found = call.read(
        lambda connection: service.member_coupons(
            connection, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer({"items": found})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/exchange",
        scope=MEMBERS,
        takes=wire.ExchangeSchema,
        gives={201: wire.ExchangedSchema},
        refuses=(404, 409),
        idempotency_key="required",
    ),
)
def exchange(call: Call, member_id: str) -> Answer:
    """Give points for a coupon of a series that has a price: the debit and the coupon are one."""
    told = body.read_json()
    key = once.needed_key()
    said = body.load(wire.ExchangeSchema().load, told)
    wanted = Exchange(said["series"], f"{call.key.id}/{key}", call.author)

    def work(connection: Any) -> Answer:
        done = exchange_points(
            connection, call.plans, call.key.programme_id, member_id, wanted, now=call.now
        )
        return answer(done, 201)

    return call.write(work, told=told)
