"""The programme behind a key: its rule set and shops."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.simulation import document
from hub.web.api import body, render
from hub.web.api import programme_schemas as wire
from hub.web.api.call import Call, Operation, answer, check_reach
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.errors import asked_language
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service import programmes, rule_words, shops, simulate
from loyalty_core.service.count_members import count_members

SCOPE = "admin"
MOST_RECEIPTS = 5000
"""So many are priced twice while somebody waits: a few seconds.  The command line has no limit."""
blueprint = Blueprint("programme", __name__, description="Rules and shops.")


@operation(
    blueprint,
    Operation(method="GET", rule="/programmes", scope=SCOPE, gives={200: wire.ProgrammesSchema}),
)
def list_programmes(call: Call) -> Answer:
    """The programmes that this key may see: its own."""
    found = call.read(programmes.list_programmes)
    own = [programme for programme in found if programme.id == call.key.programme_id]
    return answer({"items": [render.programme(programme) for programme in own]})


# --- rules ----------------------------------------------------------------------------------


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/rules",
        scope=SCOPE,
        query=wire.VersionQuerySchema(),
        gives={200: wire.RulesSchema},
        refuses=(404,),
    ),
)
def show_rules(call: Call, code: str) -> Answer:
    """The whole rule set as one document."""
    version = body.read_query(wire.VersionQuerySchema()).get("version")
    return answer(
        call.read(
            lambda connection: programmes.get_rules(
                connection, call.programme(connection, code).id, version
            )
        )
    )


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/programmes/<code>/rules",
        scope=SCOPE,
        takes=wire.RulesSchema,
        gives={201: wire.DraftSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def draft_rules(call: Call, code: str) -> Answer:
    """Make a draft of a rule set; nothing changes until it is published."""
    rules = _document()

    def work(connection: Connection) -> Answer:
        draft = programmes.draft_rules(
            connection,
            call.programme(connection, code).id,
            rules,
            author=call.author,
            now=call.now,
        )
        return answer({"draft": draft}, 201)

    return call.write(work, told=rules)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/rules/check",
        scope=SCOPE,
        takes=wire.RulesSchema,
        gives={200: wire.CheckedSchema},
        refuses=(404,),
    ),
)
def check_rules(call: Call, code: str) -> Answer:
    """What is wrong with a rule set, if anything; keeps nothing."""
    rules = body.read_json()
    call.read(lambda connection: call.programme(connection, code))
    found = programmes.check_rules(rules)
    return answer({"valid": not found, "errors": found})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/rules/publish",
        scope=SCOPE,
        takes=wire.DraftSchema,
        gives={200: wire.PublishedSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def publish_rules(call: Call, code: str) -> Answer:
    """Put a draft in force from now on.

    Where the rules in force ask for approval, its author may not: 409 `approval_needed`.
    """
    told = body.read_json()
    draft = body.load(wire.DraftSchema().load, told)["draft"]

    def work(connection: Connection) -> Answer:
        version = programmes.publish_rules(
            connection,
            call.programme(connection, code).id,
            draft,
            author=call.author,
            now=call.now,
        )
        return answer({"version": version})

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/rules/take-back",
        scope=SCOPE,
        takes=wire.TakeBackSchema,
        gives={200: wire.PublishedSchema, 201: wire.DraftSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def take_back_rules(call: Call, code: str) -> Answer:
    """Put what an older version says in force again, as a new version.

    Where the rules in force ask for approval it becomes a draft, for somebody else to publish.
    """
    told = body.read_json()
    version = body.load(wire.TakeBackSchema().load, told)["version"]

    def work(connection: Connection) -> Answer:
        taken = programmes.take_back_rules(
            connection,
            call.programme(connection, code).id,
            version,
            author=call.author,
            now=call.now,
        )
        return answer(render.taken_back(taken), 200 if taken.in_force else 201)

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/rules/diff",
        scope=SCOPE,
        query=wire.DiffQuerySchema(),
        gives={200: wire.DiffSchema},
        refuses=(404,),
    ),
)
def diff_rules(call: Call, code: str) -> Answer:
    """What differs between two versions or drafts, in words; nothing where they mean the same."""
    asked = body.read_query(wire.DiffQuerySchema())
    found = call.read(
        lambda connection: rule_words.compare_rules(
            connection,
            call.programme(connection, code).id,
            asked.get("was"),
            asked.get("now"),
            locale=asked_language(),
        )
    )
    return answer(render.comparison(found))


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/rules/versions",
        scope=SCOPE,
        gives={200: wire.VersionsSchema},
        refuses=(404,),
    ),
)
def list_rules_versions(call: Call, code: str) -> Answer:
    """Drafts and published versions, the newest first."""
    found = call.read(
        lambda connection: programmes.list_rules_versions(
            connection, call.programme(connection, code).id
        )
    )
    return answer({"items": [render.rules_version(version) for version in found]})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/members/count",
        scope=SCOPE,
        takes=wire.CountSchema,
        gives={200: wire.CountedSchema},
        refuses=(404,),
    ),
)
def count_who_meets(call: Call, code: str) -> Answer:
    """How many members meet a condition; keeps nothing."""
    when = body.load(wire.CountSchema().load, body.read_json())["when"]

    def work(connection: Connection) -> int:
        programme_id = call.programme(connection, code).id
        return count_members(connection, call.plans, programme_id, when, now=call.now)

    return answer({"members": call.read(work)})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/rules/simulate",
        scope=SCOPE,
        takes=wire.QuestionSchema,
        gives={200: wire.SimulationSchema},
        refuses=(404,),
    ),
)
def simulate_rules(call: Call, code: str) -> Answer:
    """What a draft would have made of the receipts of a period; books nothing."""
    question = body.load(wire.QuestionSchema().load, body.read_json())

    def work(connection: Connection) -> simulate.Simulation:
        programme = call.programme(connection, code)
        simulator = simulate.Simulator(connection, programme.id, question)
        return simulate.simulate_rules(simulator, most=MOST_RECEIPTS)

    return answer(document(call.look(work)))


def _document() -> dict[str, Any]:
    told = body.read_json()
    if not isinstance(told, dict):
        raise InvalidInput({"": ["Not an object."]})
    return told


# --- shops ----------------------------------------------------------------------------------


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/shops",
        scope=SCOPE,
        gives={200: wire.ShopsSchema},
        refuses=(404,),
    ),
)
def list_shops(call: Call, code: str) -> Answer:
    """The programme's shops, in the order of their codes."""
    found = call.read(
        lambda connection: shops.list_shops(connection, call.programme(connection, code).id)
    )
    return answer({"items": [render.shop(shop) for shop in found]})


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/shops",
        scope=SCOPE,
        takes=wire.NewShopSchema,
        gives={201: wire.ShopSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def create_shop(call: Call, code: str) -> Answer:
    """Make a shop."""
    told = body.read_json()
    new = body.load(wire.NewShopSchema().load, told)
    check_reach(call, new.code)
    return call.write(
        lambda connection: answer(
            render.shop(
                shops.create_shop(
                    connection, call.programme(connection, code).id, new, now=call.now
                )
            ),
            201,
        ),
        told=told,
    )


@operation(
    blueprint,
    Operation(
        method="PATCH",
        rule="/programmes/<code>/shops/<shop>",
        scope=SCOPE,
        takes=wire.ShopChangesSchema,
        gives={200: wire.ShopSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def change_shop(call: Call, code: str, shop: str) -> Answer:
    """Change what is told of a shop."""
    told = body.read_json()
    changes = body.load(wire.ShopChangesSchema().load, told)
    check_reach(call, shop)
    return call.write(
        lambda connection: answer(
            render.shop(
                shops.set_shop(connection, call.programme(connection, code).id, shop, changes)
            )
        ),
        told=told,
    )
