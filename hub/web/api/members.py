"""Members: who they are, what they have, and what is done to them by hand."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from hub import guesses
from hub.web.api import body, once, render
from hub.web.api import member_schemas as wire
from hub.web.api.call import Call, Operation, answer, check_all_shops
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.api.schemas import PageQuerySchema
from loyalty_core.domain.card_numbers import may_be_own
from loyalty_core.domain.members import card_key
from loyalty_core.service import member_pages, members
from loyalty_core.service.adjust_points import Adjustment, adjust_points
from loyalty_core.service.erase_member import EVIDENCE, erase_member, export_member
from loyalty_core.service.members import NewMember
from loyalty_core.service.merge_members import merge_members

SCOPE = "members"
ADMIN = "admin"
blueprint = Blueprint("members", __name__, description="Members, their points and purchases.")


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members",
        scope=SCOPE,
        takes=wire.NewMemberSchema,
        gives={201: wire.MemberCardSchema},
        refuses=(409,),
        idempotency_key="optional",
    ),
)
def enrol(call: Call) -> Answer:
    """Enrol a member; 409 `member_exists` with the `id` of the one who is there."""
    told = body.read_json()
    new = NewMember(**body.load(wire.NewMemberSchema().load, told))
    return call.write(
        lambda connection: answer(
            render.member(
                members.enrol_member(connection, call.plans, call.source, new, now=call.now)
            ),
            201,
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members",
        scope=SCOPE,
        query=wire.MemberQuerySchema(),
        gives={200: wire.MembersSchema},
    ),
)
def find_members(call: Call) -> Answer:
    """The members with a phone, an e-mail address or a card.

    Numbers of own cards that nobody has are counted: too many are 429.
    """
    asked = body.read_query(wire.MemberQuerySchema())
    by_card = may_be_own(asked.get("card") or "")
    if by_card:
        call.room.guesses.check(guesses.lookers_of(call.key.id), call.now)
    found = call.read(
        lambda connection: members.find_members(
            connection, call.plans, call.key.programme_id, **asked, now=call.now
        )
    )
    # By another name it may be known as well, and the card is still a guess.
    if by_card and not any(card_key(asked["card"]).value in one.cards for one in found):
        call.room.guesses.count(guesses.lookers_of(call.key.id), 1, call.now)
    return answer({"items": [render.member(card) for card in found]})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>",
        scope=SCOPE,
        gives={200: wire.MemberCardSchema},
        refuses=(404,),
    ),
)
def show_member(call: Call, member_id: str) -> Answer:
    """A member with balances; a merged one is answered by the one who took them in."""
    card = call.read(
        lambda connection: members.get_member(
            connection, call.plans, call.key.programme_id, member_id, now=call.now
        )
    )
    return answer(render.member(card))


@operation(
    blueprint,
    Operation(
        method="PATCH",
        rule="/members/<member_id>",
        scope=SCOPE,
        takes=wire.MemberChangesSchema,
        gives={200: wire.MemberCardSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def change_member(call: Call, member_id: str) -> Answer:
    """Change what is told; a phone, e-mail or card moves only if it is free."""
    told = body.read_json()
    changes = body.load(wire.MemberChangesSchema().load, told)
    return call.write(
        lambda connection: answer(
            render.member(
                members.update_member(
                    connection, call.plans, call.source, member_id, changes, now=call.now
                )
            )
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/ledger",
        scope=SCOPE,
        query=wire.LedgerQuerySchema(),
        gives={200: wire.LedgerSchema},
        refuses=(404,),
    ),
)
def member_ledger(call: Call, member_id: str) -> Answer:
    """Every movement of points, the newest first."""
    asked = body.read_query(wire.LedgerQuerySchema())
    page = call.read(
        lambda connection: member_pages.member_ledger(
            connection, call.key.programme_id, member_id, **asked
        )
    )
    return answer(render.page(page))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/lots",
        scope=SCOPE,
        query=wire.CurrencyQuerySchema(),
        gives={200: wire.LotsSchema},
        refuses=(404,),
    ),
)
def member_lots(call: Call, member_id: str) -> Answer:
    """What is left of each award, and until when."""
    asked = body.read_query(wire.CurrencyQuerySchema())
    lots = call.read(
        lambda connection: member_pages.member_lots(
            connection, call.key.programme_id, member_id, **asked
        )
    )
    return answer({"items": lots})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/purchases",
        scope=SCOPE,
        query=PageQuerySchema(),
        gives={200: wire.MemberPurchasesSchema},
        refuses=(404,),
    ),
)
def member_purchases(call: Call, member_id: str) -> Answer:
    """The member's purchases in shops that the key reaches, the newest first."""
    asked = body.read_query(PageQuerySchema())
    page = call.read(
        lambda connection: member_pages.member_purchases(
            connection,
            call.plans,
            call.key.programme_id,
            member_id,
            shops=call.key.shops,
            **asked,
        )
    )
    return answer(render.page(page))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/adjustments",
        scope=ADMIN,
        takes=wire.AdjustmentSchema,
        gives={201: wire.AdjustedSchema},
        refuses=(404, 409),
        idempotency_key="required",
    ),
)
def adjust(call: Call, member_id: str) -> Answer:
    """Give or take points by hand, for a reason."""
    told = body.read_json()
    key = once.needed_key()
    said = body.load(wire.AdjustmentSchema().load, told)
    wanted = Adjustment(
        points=said["amount"],
        reason=said["reason"],
        key=f"{call.key.id}/{key}",
        author=call.author,
        currency=said["currency"],
    )
    return call.write(
        lambda connection: answer(
            adjust_points(
                connection, call.plans, call.key.programme_id, member_id, wanted, now=call.now
            ),
            201,
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/merge",
        scope=ADMIN,
        takes=wire.MergeSchema,
        gives={200: wire.MemberCardSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def merge(call: Call, member_id: str) -> Answer:
    """Take another member in: points, purchases and identities."""
    told = body.read_json()
    other = body.load(wire.MergeSchema().load, told)["from_"]

    def work(connection: Any) -> Answer:
        card = merge_members(
            connection,
            call.plans,
            call.key.programme_id,
            into=member_id,
            from_=other,
            author=call.author,
            now=call.now,
        )
        return answer(render.member(card))

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/export",
        scope=ADMIN,
        gives={200: wire.ExportSchema},
        refuses=(404,),
    ),
)
def export(call: Call, member_id: str) -> Answer:
    """All that is known of a member, at one moment; refused to a key that is bound to shops."""
    check_all_shops(call)
    return answer(
        call.look(
            lambda connection: export_member(
                connection, call.plans, call.key.programme_id, member_id, now=call.now
            )
        )
    )


@operation(
    blueprint,
    Operation(
        method="DELETE",
        rule="/members/<member_id>",
        scope=ADMIN,
        gives={200: wire.ErasureSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def erase(call: Call, member_id: str) -> Answer:
    """Erase what is personal; the ledger's sums stay."""
    return call.write(
        lambda connection: answer(
            erase_member(
                connection,
                call.key.programme_id,
                member_id,
                author=call.author,
                evidence_key=call.room.hub.vault.derive(EVIDENCE),
                now=call.now,
            )
        ),
        told=None,
    )
