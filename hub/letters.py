"""Letters, for the pages and the API: how a text comes out and what it costs, and a trial of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marshmallow import ValidationError, validate
from sqlalchemy import Connection

from hub.live import NotLive, enliven
from hub.outbox.messages import channels_of, home_shown
from hub.wiring import Hub
from loyalty_core.domain.errors import InvalidInput, NotAvailable, TooMany
from loyalty_core.domain.letters import CHANNELS, LetterText
from loyalty_core.domain.members import IdentityKey, email_key, phone_key
from loyalty_core.service.channels import state_of
from loyalty_core.service.letter_values import Reader, common_values
from loyalty_core.service.letter_words import TextBroken, check_words, fill_in
from loyalty_core.service.letters import kind_of, show_text
from loyalty_core.service.members import member_row
from loyalty_core.service.phones import normalise_phone
from loyalty_core.store import members, outbox
from loyalty_core.store.database import lock_keys
from loyalty_core.store.ids import new_id, to_wire
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.outbox import Notice
from loyalty_kit.messages import Segments, price_minor, segments

TRIAL = "test:"
"""How the keys of trials begin."""
MOST_TRIALS = 10
WINDOW = timedelta(hours=1)
TRIAL_LIVES = timedelta(minutes=10)
NOT_AN_ADDRESS = "Not a phone or an e-mail address of this channel."
A_MEMBERS = "Belongs to a member: a trial goes to an address of your own."


@dataclass(frozen=True, slots=True)
class Asked:
    """Which text, and for whom: a member's own values, or samples.  `words`: these instead of
    the text in force."""

    kind: str
    channel: str
    locale: str
    member: str | None = None
    words: LetterText | None = None

    @property
    def of(self) -> tuple[str, str, str]:
        return self.kind, self.channel, self.locale


@dataclass(frozen=True, slots=True)
class Preview:
    """`price_minor`: kopecks for all parts of it by the connection that would send it; None
    where there is none."""

    words: LetterText
    segments: Segments | None
    price_minor: int | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel and the connection by which its messages go.  `policy`: what may be sent by it
    now.  `quiet` are the hours from and to which nobody is disturbed; equal ones: there are none.
    """

    channel: str
    policy: str
    connection: InstallationRow | None
    price_minor: int | None
    quiet: tuple[int, int] | None


def list_channels(hub: Hub, connection: Connection, programme_id: int) -> list[ChannelView]:
    return [_channel(hub, connection, programme_id, channel) for channel in CHANNELS]


def preview(
    hub: Hub, connection: Connection, programme_id: int, asked: Asked, *, now: datetime
) -> Preview:
    """How a letter comes out; nothing is kept or sent.

    Raises: LetterNotFound, MemberNotFound, TextBroken.
    """
    known = show_text(connection, programme_id, asked.of).words
    kind = kind_of(asked.kind)
    if asked.words is not None:
        try:
            check_words(kind, asked.channel, asked.words)
        except TextBroken as error:
            told = {f"words.{part}": why for part, why in error.errors.items()}
            raise TextBroken(told) from None
    values = kind.sample
    if asked.member is not None:
        number = member_row(connection, programme_id, asked.member)["id"]
        reader = Reader(number, asked.locale, (asked.channel,))
        own = common_values(connection, hub.plans, programme_id, reader, now=now)
        # What the member is and has is real; what has happened is made up.
        values = {**kind.sample, **own}
    words = fill_in(asked.channel, asked.words or known, values)
    parts = segments(words.text) if asked.channel == "sms" else None
    price = _channel(hub, connection, programme_id, asked.channel).price_minor
    if price is not None and parts is not None:
        price *= parts.parts
    return Preview(words, parts, price)


def send_trial(  # noqa: PLR0913 - each is a word of its own to the caller
    hub: Hub, connection: Connection, programme_id: int, asked: Asked, to: str, *, now: datetime
) -> str:
    """Put a letter with sample values in the outbox, to an address that is no member's; its id.

    It goes at once, whatever the hour.

    Raises: LetterNotFound, NotAvailable (no connection), InvalidInput (`to`), TooMany.
    """
    show_text(connection, programme_id, asked.of)
    if asked.channel not in channels_of(hub, connection, programme_id):
        raise NotAvailable({"feature": f"messages by {asked.channel}"})
    address = _address(hub, connection, programme_id, asked.channel, to)
    if members.owners(connection, programme_id, [address]):
        raise InvalidInput({"to": [A_MEMBERS]})
    lock_keys(connection, [f"trials:{programme_id}"])
    made = outbox.made_since(connection, programme_id, TRIAL, now - WINDOW)
    if len(made) >= MOST_TRIALS:
        raise TooMany(max(1, round((made[0] + WINDOW - now).total_seconds())))
    number = new_id(now)
    wire_id = to_wire("o", number)
    payload = {
        "letter": asked.kind,
        "channel": asked.channel,
        "locale": asked.locale,
        "to": address.value,
        "facts": {},
        "expires_at": (now + TRIAL_LIVES).isoformat(),
    }
    key = f"{TRIAL}{wire_id}"
    notice = Notice(programme_id, outbox.MESSAGE, key, payload, urgent=True, id=number)
    outbox.announce(connection, [notice], now=now)
    return wire_id


def _address(
    hub: Hub, connection: Connection, programme_id: int, channel: str, to: str
) -> IdentityKey:
    """Raises: InvalidInput, PhoneImpossible."""
    if channel == "sms":
        region = hub.plans.phone_region(connection, programme_id)
        return phone_key(normalise_phone(to, region))
    try:
        validate.Email()(to)
    except ValidationError:
        raise InvalidInput({"to": [NOT_AN_ADDRESS]}) from None
    return email_key(to)


def _channel(hub: Hub, connection: Connection, programme_id: int, channel: str) -> ChannelView:
    policy = state_of(connection, programme_id, channel, hub.clock.now())
    home = home_shown(hub, connection, programme_id, channel)
    if home is None:
        return ChannelView(channel, policy, None, None, None)
    try:
        settings = enliven(hub, home).settings
    except NotLive:
        return ChannelView(channel, policy, home, None, None)
    hours = (settings.get("quiet_from", 0), settings.get("quiet_to", 0))
    price = price_minor(str(settings.get("price", "0")))
    return ChannelView(channel, policy, home, price, hours)
