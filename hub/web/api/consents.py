"""Consents: what members say yes and no to, the texts, and what may be sent by which channel."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub.web.api import body, render
from hub.web.api import consent_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.members import email_key, phone_key
from loyalty_core.service.channels import ChannelView, Step, list_channels, set_channel
from loyalty_core.service.consent_texts import in_force, list_texts, publish_text
from loyalty_core.service.consent_views import Consents, find_evidence, member_consents, told
from loyalty_core.service.consents import record_consents
from loyalty_core.service.erase_member import EVIDENCE
from loyalty_core.service.phones import normalise_phone
from loyalty_core.store.consent_texts import TextVersion

MEMBERS = "members"
ADMIN = "admin"
blueprint = Blueprint("consents", __name__, description="Consents, their texts, and channels.")


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/members/<member_id>/consents",
        scope=MEMBERS,
        gives={200: wire.ConsentsSchema},
        refuses=(404,),
    ),
)
def show_consents(call: Call, member_id: str) -> Answer:
    """What the member said yes or no to: what stands, and all that was said."""
    found = call.look(
        lambda connection: member_consents(connection, call.key.programme_id, member_id)
    )
    return answer(_consents(found))


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/members/<member_id>/consents",
        scope=MEMBERS,
        takes=wire.NewConsentsSchema,
        gives={200: wire.ConsentsSchema},
        refuses=(404, 409),
        idempotency_key="optional",
    ),
)
def post_consents(call: Call, member_id: str) -> Answer:
    """Write down a yes or a no, each purpose by itself; what is known already changes nothing."""
    sent = body.read_json()
    said = body.load(wire.NewConsentsSchema().load, sent)["consents"]
    return call.write(
        lambda connection: answer(
            _consents(record_consents(connection, call.source, member_id, said, now=call.now))
        ),
        told=sent,
    )


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/consent-texts",
        scope=MEMBERS,
        query=wire.TextQuerySchema(),
        gives={200: wire.TextsSchema},
        refuses=(404,),
    ),
)
def show_texts(call: Call, code: str) -> Answer:
    """The texts that people say yes to, by version, the newest first."""
    asked = body.read_query(wire.TextQuerySchema())

    def look(connection: Connection) -> Answer:
        programme = call.programme(connection, code)
        found = list_texts(connection, programme.id, asked["purpose"])
        current = in_force(found, call.now)
        items = [_text(one, (one.purpose, one.version) in current) for one in found]
        return answer({"items": items})

    return call.look(look)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/programmes/<code>/consent-texts",
        scope=ADMIN,
        takes=wire.NewTextSchema,
        gives={201: wire.TextSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def post_text(call: Call, code: str) -> Answer:
    """Publish a version of a text; it never changes afterwards."""
    sent = body.read_json()
    said = body.load(wire.NewTextSchema().load, sent)

    def work(connection: Connection) -> Answer:
        programme = call.programme(connection, code)
        version = publish_text(
            connection,
            programme.id,
            said["purpose"],
            said["texts"],
            since=said["since"],
            author=call.author,
            now=call.now,
        )
        return answer(_text(version, version.since <= call.now), 201)

    return call.write(work, told=sent)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/channels",
        scope=ADMIN,
        gives={200: wire.ChannelsSchema},
        refuses=(404,),
    ),
)
def show_channels(call: Call, code: str) -> Answer:
    """What may be sent by each channel, now and later, and where that is written."""

    def look(connection: Connection) -> Answer:
        programme = call.programme(connection, code)
        found = list_channels(connection, programme.id, now=call.now)
        return answer({"items": [_channel(one) for one in found]})

    return call.read(look)


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/programmes/<code>/channels/<channel>",
        scope=ADMIN,
        takes=wire.NewChannelStateSchema,
        gives={200: wire.ChannelSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def put_channel(call: Call, code: str, channel: str) -> Answer:
    """Be stricter than what is shipped, or only as strict again; from now on."""
    sent = body.read_json()
    state = body.load(wire.NewChannelStateSchema().load, sent)["state"]

    def work(connection: Connection) -> Answer:
        programme = call.programme(connection, code)
        view = set_channel(
            connection, programme.id, channel, state, author=call.author, now=call.now
        )
        return answer(_channel(view))

    return call.write(work, told=sent)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/programmes/<code>/consent-evidence",
        scope=ADMIN,
        query=wire.EvidenceQuerySchema(),
        gives={200: wire.EvidencesSchema},
        refuses=(404,),
    ),
)
def show_evidence(call: Call, code: str) -> Answer:
    """What somebody said who was erased since, by a phone or an address that the person brings."""
    asked = body.read_query(wire.EvidenceQuerySchema())
    keys = call.room.hub.vault.derive_all(EVIDENCE)

    def look(connection: Connection) -> Answer:
        programme = call.programme(connection, code)
        if "email" in asked:
            name = email_key(asked["email"])
        else:
            region = call.plans.phone_region(connection, programme.id)
            name = phone_key(normalise_phone(asked["phone"], region))
        found = find_evidence(connection, programme.id, name, keys=keys)
        items = [
            {
                "member": one.member,
                "erased_at": one.erased_at.isoformat(),
                "history": [told(said) for said in one.history],
            }
            for one in found
        ]
        return answer({"items": items})

    return call.read(look)


def _consents(found: Consents) -> dict[str, Any]:
    return {
        "items": [render.consent(one.subject, one.standing) for one in found.items],
        "history": [told(one) for one in found.history],
        "erase_by": None if found.erase_by is None else found.erase_by.isoformat(),
    }


def _text(version: TextVersion, is_current: bool) -> dict[str, Any]:
    return {**asdict(version), "since": version.since.isoformat(), "in_force": is_current}


def _channel(view: ChannelView) -> dict[str, Any]:
    return {
        "channel": view.channel,
        "state": view.state,
        "own": view.own,
        "shipped": _step(view.shipped),
        "ahead": [_step(one) for one in view.ahead],
    }


def _step(step: Step) -> dict[str, Any]:
    return {**asdict(step), "since": step.since.isoformat()}
