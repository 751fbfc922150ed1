"""Rewards for points: the catalogue and its stock, orders, and handing them out."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import guesses
from hub.web.api import body, once, render
from hub.web.api import reward_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.api.render_quote import figures
from loyalty_core.domain.errors import OrderNotFound
from loyalty_core.service import order_rewards, reward_shelf
from loyalty_core.service.order_rewards import Ordered, Wish
from loyalty_core.service.reward_shelf import OnShelf, Seen, order_view
from loyalty_kit.money import format_decimal

CHECKOUT = "checkout"
MEMBERS = "members"
ADMIN = "admin"
blueprint = Blueprint("rewards", __name__, description="What members may have for points.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/rewards",
        scope=CHECKOUT,
        gives={200: wire.CatalogueOfRewardsSchema},
    ),
)
def show_rewards(call: Call) -> Answer:
    """All rewards of the rules in force, with what is left of each."""
    found = call.read(
        lambda connection: reward_shelf.show_shelf(connection, call.plans, call.key.programme_id)
    )
    return answer({"items": [_item(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/rewards/<reward>/stock",
        scope=ADMIN,
        takes=wire.StockSchema,
        gives={200: wire.RewardItemSchema},
        refuses=(404,),
        idempotency_key="required",
    ),
)
def change_stock(call: Call, reward: str) -> Answer:
    """Say how many pieces of a reward are left, or how many came."""
    told = body.read_json()
    once.needed_key()
    said = body.load(wire.StockSchema().load, told)
    return call.write(
        lambda connection: answer(
            _item(
                reward_shelf.change_stock(
                    connection,
                    call.plans,
                    call.key.programme_id,
                    reward,
                    author=call.author,
                    now=call.now,
                    **said,
                )
            )
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/rewards",
        scope=MEMBERS,
        gives={200: wire.MemberRewardsSchema},
        refuses=(404,),
    ),
)
def member_rewards(call: Call, member_id: str) -> Answer:
    """What this member may order now, and which of it the points suffice for."""
    found = call.read(
        lambda connection: reward_shelf.member_rewards(
            connection, call.plans, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer({"items": [_seen(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/rewards",
        scope=MEMBERS,
        takes=wire.WishSchema,
        gives={201: wire.OrderedSchema},
        refuses=(404, 409),
        idempotency_key="required",
    ),
)
def order_reward(call: Call, member_id: str) -> Answer:
    """Order a reward: its price is taken at once, and a piece of its stock is the member's."""
    told = body.read_json()
    key = once.needed_key()
    said = body.load(wire.WishSchema().load, told)
    wanted = Wish(said["reward"], f"{call.key.id}/{key}", call.author)

    def work(connection: Connection) -> Answer:
        done = order_rewards.order_reward(
            connection, call.plans, call.key.programme_id, member_id, wanted, now=call.now
        )
        return answer(_ordered(done), 201)

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/rewards/orders",
        scope=MEMBERS,
        query=wire.OrderQuerySchema(),
        gives={200: wire.RewardOrdersSchema},
        refuses=(404,),
    ),
)
def member_orders(call: Call, member_id: str) -> Answer:
    """The member's orders with their codes, the newest first."""
    asked = body.read_query(wire.OrderQuerySchema())
    page = call.read(
        lambda connection: reward_shelf.member_orders(
            connection, call.key.programme_id, member_id, **asked
        )
    )
    return answer(render.page(page))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/rewards/orders",
        scope=MEMBERS,
        query=wire.OrderQuerySchema(),
        gives={200: wire.RewardOrdersSchema},
    ),
)
def list_orders(call: Call) -> Answer:
    """The programme's orders, the newest first, without the codes that members show."""
    asked = body.read_query(wire.OrderQuerySchema())
    page = call.read(
        lambda connection: reward_shelf.list_orders(connection, call.key.programme_id, **asked)
    )
    return answer(render.page(page))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/rewards/orders/<order>",
        scope=MEMBERS,
        gives={200: wire.RewardOrderSchema},
        refuses=(404,),
    ),
)
def show_order(call: Call, order: str) -> Answer:
    """One order, without the code that its member shows."""
    found = call.read(
        lambda connection: order_rewards.find_order(connection, call.key.programme_id, order)
    )
    return answer(order_view(found))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/rewards/orders/<order>/cancel",
        scope=MEMBERS,
        gives={200: wire.OrderedSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def cancel_order(call: Call, order: str) -> Answer:
    """Give the points and the piece back; 200 also if it is cancelled already."""

    def work(connection: Connection) -> Answer:
        done = order_rewards.cancel_order(
            connection,
            call.plans,
            call.key.programme_id,
            order,
            author=call.author,
            now=call.now,
        )
        return answer(_ordered(done))

    return call.write(work, told=None)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/rewards/hand-out",
        scope=CHECKOUT,
        takes=wire.HandOutSchema,
        gives={200: wire.RewardOrderSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def hand_out(call: Call) -> Answer:
    """The member has the reward, once.  Wrong codes are counted: too many are 429."""
    told = body.read_json()
    code = body.load(wire.HandOutSchema().load, told)["code"]
    callers = guesses.lookers_of(call.key.id)
    call.room.guesses.check(callers, call.now)

    def work(connection: Connection) -> Answer:
        try:
            done = order_rewards.hand_out_order(
                connection, call.key.programme_id, code, author=call.author, now=call.now
            )
        except OrderNotFound:
            call.room.guesses.count(callers, 1, call.now)
            raise
        return answer(order_view(done))

    return call.write(work, told=told)


def _item(shown: OnShelf) -> dict[str, Any]:
    one = shown.item
    return {
        "code": one.code,
        "name": one.name,
        "kind": one.kind,
        "price": format_decimal(one.price_points),
        "currency": shown.currency,
        "left": shown.left,
        "per_member": one.per_member,
        "partner": one.partner,
        "starts_at": None if one.starts_at is None else one.starts_at.isoformat(),
        "ends_at": None if one.ends_at is None else one.ends_at.isoformat(),
    }


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        **_item(seen.shown),
        "mine": seen.mine,
        "affordable": not seen.missing_points,
        "missing": format_decimal(seen.missing_points),
    }


def _ordered(done: Ordered) -> dict[str, Any]:
    return {"order": order_view(done.order, code=True), "balance": figures(done.balance)}
