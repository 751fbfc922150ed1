"""A letter made ready: by which channel it goes to its member, in which words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


def make_ready(
    hub: Hub, connection: Connection, row: OutboxRow, channels: Collection[str], now: datetime
) -> Ready:
    """By the member's own channel, else by the first of `channels` that is open.

    Raises: PassedOver (there is nothing to tell, or no way to tell it), BrokenLetter.
    """
    if row.member_id is None:
        return _trial(hub, connection, row, now)
    if setting_on(connection, row.programme_id, row.payload["letter"]) is None:
        raise PassedOver("switched_off", "Letters of this kind have been switched off since.")
    reader = reader_of(connection, row.programme_id, row.member_id)
    if reader is None:
        raise PassedOver("no_member", "The member is erased.")
    channel, to = _way(hub, connection, row, reader, channels, now)
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
    channels: Collection[str],
    now: datetime,
) -> tuple[str, str]:
    """The first channel that has an address and is let through.  Raises: PassedOver."""
    why = PassedOver("no_way", "The member has no address by which the programme can send.")
    for channel in reader.channels:
        if channel not in channels:
            continue
        to = confirm.address_of(connection, row.programme_id, reader.member_id, channel)
        if to is None:
            continue
        try:
            check_allowed(hub, connection, row, channel, now)
        except Withheld as withheld:
            why = withheld
            continue
        return channel, to
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
