"""A letter made ready: by which channel it goes to its member, in which words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from hub.outbox.gate import check_allowed, way_out
from hub.outbox.outcomes import BrokenLetter, PassedOver, Withheld
from hub.wiring import Hub
from loyalty_core.domain.letters import KINDS, LetterText
from loyalty_core.service import confirm
from loyalty_core.service.letter_values import Fact, Reader, reader_of, values_of
from loyalty_core.service.letter_words import TextBroken, fill_in
from loyalty_core.service.letters import show_text
from loyalty_core.store.letters import setting_on
from loyalty_core.store.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class Ready:
    channel: str
    to: str
    words: LetterText


@dataclass(frozen=True, slots=True)
class Ways:
    """Channels by which the programme can send, and those whose connections are all paused."""

    open: set[str]
    paused: set[str]


def as_set(connection: Connection, row: OutboxRow) -> OutboxRow:
    """A member's letter under the class that the owner has set by now; others as they are.

    Raises: PassedOver, where letters of its kind are off.
    """
    if row.member_id is None or "letter" not in row.payload:
        return row
    setting = setting_on(connection, row.programme_id, row.payload["letter"])
    if setting is None:
        raise PassedOver("switched_off", "Letters of this kind have been switched off since.")
    return replace(row, payload={**row.payload, "message_class": setting.message_class})


def make_ready(
    hub: Hub, connection: Connection, row: OutboxRow, ways: Ways, now: datetime
) -> Ready | None:
    """By the member's own channel, else by the first that is open; None: by none that is not
    paused.  `row` is as it is set by now.

    Raises: PassedOver (there is nothing to tell, or no way to tell it), BrokenLetter.
    """
    if row.member_id is None:
        return _trial(hub, connection, row, now)
    reader = reader_of(connection, row.programme_id, row.member_id)
    if reader is None:
        raise PassedOver("no_member", "The member is erased.")
    way = _way(hub, connection, row, reader, ways, now)
    if way is None:
        return None
    channel, to = way
    fact = Fact(row.payload["letter"], row.payload["facts"])
    values = values_of(connection, hub.plans, row.programme_id, reader, fact, now=now)
    if values is None:
        raise PassedOver("not_so_any_more", "What it would have told is not so any more.")
    values["unsubscribe"] = way_out(hub, row, channel) or ""
    of = (fact.kind, channel, reader.locale)
    return Ready(channel, to, _words(connection, row.programme_id, of, values))


def _way(  # noqa: PLR0913 - each is a word of its own
    hub: Hub,
    connection: Connection,
    row: OutboxRow,
    reader: Reader,
    ways: Ways,
    now: datetime,
) -> tuple[str, str] | None:
    """The first open channel that has an address and is let through; None where that is so of
    paused ones alone.  Raises: PassedOver.
    """
    waits = False
    why = PassedOver("no_way", "The member has no address by which the programme can send.")
    for channel in reader.channels:
        if channel not in ways.open | ways.paused:
            continue
        to = confirm.address_of(connection, row.programme_id, reader.member_id, channel)
        if to is None:
            continue
        try:
            check_allowed(hub, connection, row, channel, now)
        except Withheld as withheld:
            why = withheld
            continue
        if channel in ways.open:
            return channel, to
        waits = True
    if waits:
        return None
    raise why


def _trial(hub: Hub, connection: Connection, row: OutboxRow, now: datetime) -> Ready:
    """With sample values, to an address that the owner gave.  Raises: PassedOver."""
    told = row.payload
    kind, channel = KINDS[told["letter"]], told["channel"]
    check_allowed(hub, connection, row, channel, now)
    of = (kind.code, channel, told["locale"])
    return Ready(channel, told["to"], _words(connection, row.programme_id, of, kind.sample))


def _words(
    connection: Connection, programme_id: int, of: tuple[str, str, str], values: dict[str, str]
) -> LetterText:
    try:
        return fill_in(of[1], show_text(connection, programme_id, of).words, values)
    except TextBroken as error:
        told = "; ".join(f"{part}: {' '.join(why)}" for part, why in error.errors.items())
        raise BrokenLetter(f"The text of {'/'.join(of)} cannot be filled in. {told}") from error
