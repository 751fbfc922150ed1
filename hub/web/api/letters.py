"""Letters to members: which are sent, their texts, how they come out, what became of them."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy import Connection

from hub import letters as hub_letters
from hub.letters import Asked
from hub.web.api import body
from hub.web.api import letter_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.letters import LetterText
from loyalty_core.service import letters as service
from loyalty_core.service.letters import LetterView
from loyalty_core.service.members import member_row
from loyalty_core.store import sent_messages
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.letters import KeptText
from loyalty_core.store.sent_messages import SentMessage
from loyalty_kit.money import format_decimal

SCOPE = "admin"
blueprint = Blueprint("messages", __name__, description="What members are told, and by which way.")


@operation(
    blueprint,
    Operation(method="GET", rule="/messages/kinds", scope=SCOPE, gives={200: wire.LettersSchema}),
)
def list_letters(call: Call) -> Answer:
    """All kinds of letters, whether they are on, and which texts are in force."""
    found = call.read(lambda connection: service.list_letters(connection, call.key.programme_id))
    return answer({"items": [_letter(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/messages/kinds/<letter>",
        scope=SCOPE,
        takes=wire.LetterChangesSchema,
        gives={200: wire.LetterSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def set_letter(call: Call, letter: str) -> Answer:
    """Switch a kind of letters on or off, or change its class and its days."""
    told = body.read_json()
    changes = body.load(wire.LetterChangesSchema().load, told)

    def work(connection: Connection) -> Answer:
        done = service.set_letter(
            connection,
            call.key.programme_id,
            letter,
            changes,
            author=call.author,
            now=call.now,
        )
        return answer(_letter(done))

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/messages/kinds/<letter>/<letter_channel>/<letter_locale>",
        scope=SCOPE,
        query=wire.TextQuerySchema(),
        gives={200: wire.LetterTextSchema},
        refuses=(404,),
    ),
)
def show_letter_text(call: Call, letter: str, letter_channel: str, letter_locale: str) -> Answer:
    """The words of a letter, in force or of a version; 0 is the hub's own."""
    version = body.read_query(wire.TextQuerySchema()).get("version")
    of = (letter, letter_channel, letter_locale)
    found = call.read(
        lambda connection: service.show_text(connection, call.key.programme_id, of, version)
    )
    return answer(_text(found))


@operation(
    blueprint,
    Operation(
        method="PUT",
        rule="/messages/kinds/<letter>/<letter_channel>/<letter_locale>",
        scope=SCOPE,
        takes=wire.WordsSchema,
        gives={200: wire.LetterTextSchema},
        refuses=(404,),
        idempotency_key="optional",
    ),
)
def put_letter_text(call: Call, letter: str, letter_channel: str, letter_locale: str) -> Answer:
    """Write the words of a letter anew: a new version, in force from now on."""
    told = body.read_json()
    words = LetterText(**body.load(wire.WordsSchema().load, told))
    of = (letter, letter_channel, letter_locale)

    def work(connection: Connection) -> Answer:
        made = service.put_text(
            connection, call.key.programme_id, of, words, author=call.author, now=call.now
        )
        return answer(_text(made))

    return call.write(work, told=told)


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/messages/preview",
        scope=SCOPE,
        takes=wire.AskPreviewSchema,
        gives={200: wire.PreviewSchema},
        refuses=(404,),
    ),
)
def preview_letter(call: Call) -> Answer:
    """How a letter comes out, of how many SMS it is and what it costs; nothing is sent."""
    said = body.load(wire.AskPreviewSchema().load, body.read_json())
    words = None if said["words"] is None else LetterText(**said["words"])
    asked = Asked(said["kind"], said["channel"], said["locale"], said["member"], words)
    found = call.read(
        lambda connection: hub_letters.preview(
            call.room.hub, connection, call.key.programme_id, asked, now=call.now
        )
    )
    parts = found.segments
    return answer(
        {
            **_words(found.words),
            "segments": parts
            and {"encoding": parts.encoding, "units": parts.units, "parts": parts.parts},
            "price": _money(found.price_minor),
        }
    )


@operation(
    blueprint,
    Operation(
        method="POST",
        rule="/messages/test",
        scope=SCOPE,
        takes=wire.TrialSchema,
        gives={202: wire.TrialMadeSchema},
        refuses=(404, 429),
        idempotency_key="optional",
    ),
)
def send_trial(call: Call) -> Answer:
    """Send a letter with sample values to an address of your own, at once; ten an hour."""
    told = body.read_json()
    said = body.load(wire.TrialSchema().load, told)
    asked = Asked(said["kind"], said["channel"], said["locale"])

    def work(connection: Connection) -> Answer:
        made = hub_letters.send_trial(
            call.room.hub, connection, call.key.programme_id, asked, said["to"], now=call.now
        )
        return answer({"id": made}, 202)

    given = call.write(work, told=told)
    call.room.hub.bell.ring(call.key.programme_id)
    return given


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/messages/channels",
        scope=SCOPE,
        gives={200: wire.MessageChannelsSchema},
    ),
)
def list_message_channels(call: Call) -> Answer:
    """Each channel with its connection, price and quiet hours."""
    found = call.read(
        lambda connection: hub_letters.list_channels(
            call.room.hub, connection, call.key.programme_id
        )
    )
    return answer({"items": [_channel(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/messages",
        scope=SCOPE,
        query=wire.MessagesQuerySchema(),
        gives={200: wire.MessagePageSchema},
        refuses=(404,),
    ),
)
def list_messages(call: Call) -> Answer:
    """Messages that came to an end, the newest first; neither their text nor where they went."""
    asked = body.read_query(wire.MessagesQuerySchema())
    chosen = {name: asked[name] for name in ("kind", "state", "channel") if name in asked}
    before = None
    if "cursor" in asked:
        before = from_wire("o", asked["cursor"])
        if before is None:
            raise InvalidInput({"cursor": ["Not a cursor of this list."]})

    def work(connection: Connection) -> list[SentMessage]:
        if "member" in asked:
            row = member_row(connection, call.key.programme_id, asked["member"])
            chosen["member_id"] = row["id"]
        return sent_messages.page(
            connection,
            call.key.programme_id,
            chosen,
            before=before,
            limit=asked["limit"] + 1,
        )

    found = call.read(work)
    page = found[: asked["limit"]]
    after = to_wire("o", page[-1].id) if len(found) > len(page) else None
    return answer({"items": [_message(one) for one in page], "next_cursor": after})


# --- on the wire ----------------------------------------------------------------------------


def _letter(seen: LetterView) -> dict[str, Any]:
    return {
        "kind": seen.kind.code,
        "on": seen.setting.is_on,
        "class": seen.setting.message_class,
        "may_be_service": seen.kind.may_be_service,
        "days_before": seen.setting.days_before,
        "placeholders": seen.kind.sample,
        "texts": [
            {"channel": channel, "locale": locale, "version": version}
            for (channel, locale), version in seen.versions.items()
        ],
    }


def _text(kept: KeptText) -> dict[str, Any]:
    made = kept.created_at
    return {
        "kind": kept.kind,
        "channel": kept.channel,
        "locale": kept.locale,
        "version": kept.version,
        **_words(kept.words),
        "author": kept.author,
        "created_at": None if made is None else made.isoformat(),
    }


def _words(words: LetterText) -> dict[str, Any]:
    return {"subject": words.subject, "text": words.text, "html": words.html}


def _channel(seen: hub_letters.ChannelView) -> dict[str, Any]:
    home = seen.connection
    quiet_from, quiet_to = seen.quiet or (None, None)
    return {
        "channel": seen.channel,
        "policy": seen.policy,
        "connection": None if home is None else to_wire("i", home.id),
        "name": None if home is None else home.name,
        "state": None if home is None else home.state,
        "price": _money(seen.price_minor),
        "quiet_from": quiet_from,
        "quiet_to": quiet_to,
    }


def _message(one: SentMessage) -> dict[str, Any]:
    ended = one.ended_at
    return {
        "id": to_wire("o", one.id),
        "kind": one.kind,
        "member": None if one.member_id is None else to_wire("m", one.member_id),
        "channel": one.channel,
        "state": one.state,
        "reason": one.reason,
        "reference": one.reference,
        "parts": one.parts,
        "cost": _money(one.cost_minor),
        "made_at": one.made_at.isoformat(),
        "sent_at": one.handed_at.isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
    }


def _money(minor: int | None) -> str | None:
    return None if minor is None else format_decimal(minor)
