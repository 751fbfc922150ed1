"""Sends a message: which connection, where to, whether now, and what becomes of it.

The payload of a row says `expires_at`, then either `letter` with its `facts` (`letters.py` makes
it ready), or `channel` with `confirmation` and `locale`, or with `text`, `subject` and `html`;
`to` is for those who are no members.  `message_class` is `service` or `advertising`; left out, it
is advertising; of a letter it is what the owner has set by now.  Whether it may go is asked here
and now (`gate.py`).

At least once: a worker that dies between the vendor's "taken" and our mark leaves a row that
is sent again, with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from hub.live import enliven
from hub.outbox.gate import check_allowed, way_out
from hub.outbox.letters import Ways, as_set, make_ready
from hub.outbox.outcomes import (
    PAUSED,
    QUIET_HOURS,
    Late,
    Later,
    NotDelivered,
    NoWay,
    Outlived,
    believed,
)
from hub.wiring import Hub
from loyalty_core.domain.letters import LetterText
from loyalty_core.service import confirm
from loyalty_core.service.channels import FORBIDDEN, state_of
from loyalty_core.store import installations, programmes
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, made_at
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.outbox import OutboxRow
from loyalty_core.store.sent_messages import SentMessage
from loyalty_kit.errors import NeedsAttention
from loyalty_kit.manifest import Channel
from loyalty_kit.messages import price_minor, segments
from loyalty_kit.ports import Message, Undeliverable

CODES = "confirmation codes"
"""The purpose of the vault's key for them."""
TEXTS: Mapping[str, str] = {
    "ru": "{code} — код подтверждения. Никому не сообщайте. Действует 3 минуты.",
    "en": "{code} is your confirmation code. Tell it to nobody. Good for 3 minutes.",
}
SUBJECTS: Mapping[str, str] = {"ru": "Код подтверждения", "en": "Confirmation code"}
FIRST_LOOK = timedelta(minutes=1)
"""After so long a vendor who reports is asked what became of a message."""
PAUSE_LOOK = timedelta(minutes=30)
"""How often what waits for a paused connection is looked at; going on makes it due at once."""
TEST = "test"
"""The kind of messages that an owner sent on trial."""


@dataclass(frozen=True, slots=True)
class _Way:
    """`words` None: a confirmation code, which is put in words as it goes out."""

    home: InstallationRow
    channel: Channel
    to: str
    zone: ZoneInfo
    words: LetterText | None


def channels_of(hub: Hub, connection: Connection, programme_id: int) -> set[str]:
    """By which channels the programme can send: it has a connection for them that is not paused,
    and they are not forbidden.
    """
    return _ways(hub, connection, programme_id).open


def _ways(hub: Hub, connection: Connection, programme_id: int) -> Ways:
    now = hub.clock.now()
    ways = Ways(set(), set())
    for home in installations.of_programme(connection, programme_id):
        for channel in _channels(hub, home):
            if state_of(connection, programme_id, channel, now) != FORBIDDEN:
                (ways.paused if home.state == "paused" else ways.open).add(channel)
    ways.paused.difference_update(ways.open)
    return ways


def send_message(hub: Hub, row: OutboxRow) -> SentMessage:
    """What is to be kept of it.

    Raises: Later, PassedOver, Drop (it will never be sent), Retry, NeedsAttention.
    """
    now = hub.clock.now()
    if now >= datetime.fromisoformat(row.payload["expires_at"]):
        if row.error_code == PAUSED:
            raise Outlived
        raise Late("Its time was over before it could be sent.")
    with read(hub.engine) as connection:
        row = as_set(connection, row)
        way = _way(hub, connection, row, now)
    try:
        live = enliven(hub, way.home)
        if not row.urgent:
            _wait_for_day(live.settings, now, way.zone)
        messenger = live.connector.message
        assert messenger is not None
        outcome = messenger.send(live.client(), _message(hub, row, way), key=row.key)
    except NeedsAttention as error:
        code, text = error.code, str(error)
        transact(hub.engine, lambda c: installations.mark_trouble(c, way.home.id, code, text))
        raise
    if way.home.state == "attention":
        transact(hub.engine, lambda c: installations.clear_trouble(c, way.home.id))
    if isinstance(outcome, Undeliverable):
        raise NotDelivered(outcome.reason)
    told = believed(outcome)
    parts = told.parts or _parts(way)
    reported = live.connector.reports
    price = price_minor(str(live.settings.get("price", "0")))
    return replace(
        kept_of(row, "sent", hub.clock.now()),
        channel=way.channel,
        installation_id=way.home.id,
        reference=told.reference,
        look_at=hub.clock.now() + FIRST_LOOK if reported and told.reference else None,
        parts=parts,
        cost_minor=told.cost_minor if told.cost_minor is not None else price * parts,
    )


def kept_of(row: OutboxRow, state: str, now: datetime, reason: str | None = None) -> SentMessage:
    """What is kept of a row that has come to an end; `kind`: of letters their own, else `code`,
    `test` or `other`."""
    told = row.payload
    kind = "code" if "confirmation" in told else told.get("letter", "other")
    if "letter" in told and "to" in told:
        kind = TEST
    return SentMessage(
        row.id,
        row.programme_id,
        row.member_id,
        kind,
        told.get("channel"),
        None,
        state,
        made_at(row.id),
        now,
        reason=reason,
        ended_at=now if state == "failed" else None,
    )


def _parts(way: _Way) -> int:
    """Codes are short."""
    if way.channel is not Channel.SMS or way.words is None:
        return 1
    return segments(way.words.text).parts


def _way(hub: Hub, connection: Connection, row: OutboxRow, now: datetime) -> _Way:
    told = row.payload
    words: LetterText | None = None
    to: str | None
    if "letter" in told:
        ready = make_ready(hub, connection, row, _ways(hub, connection, row.programme_id), now)
        if ready is None:
            raise _after_pause(row, now)
        channel, to, words = Channel(ready.channel), ready.to, ready.words
    else:
        channel, to = Channel(told["channel"]), told.get("to")
        check_allowed(hub, connection, row, channel, now)
        if row.member_id is not None:
            to = confirm.address_of(connection, row.programme_id, row.member_id, channel)
        if "confirmation" not in told:
            words = LetterText(told["text"], told.get("subject"), told.get("html"))
    if to is None:
        raise NoWay("The member has no address for it any more.")
    home = home_of(hub, connection, row.programme_id, channel)
    if home is None:
        if not row.urgent and channel in _ways(hub, connection, row.programme_id).paused:
            raise _after_pause(row, now)
        raise NoWay("No connection sends by this channel; connect one in the console.")
    programme = programmes.programme_by_id(connection, row.programme_id)
    assert programme is not None
    return _Way(home, channel, to, ZoneInfo(programme.timezone), words)


def _after_pause(row: OutboxRow, now: datetime) -> Later:
    """When it is tried again, or passed over; kept meanwhile."""
    over_at = datetime.fromisoformat(row.payload["expires_at"])
    return Later(min(now + PAUSE_LOOK, over_at), PAUSED)


def home_of(
    hub: Hub, connection: Connection, programme_id: int, channel: str
) -> InstallationRow | None:
    """The connection by which a channel's messages go: of several the oldest."""
    home = home_shown(hub, connection, programme_id, channel)
    return None if home is None or home.state == "paused" else home


def home_shown(
    hub: Hub, connection: Connection, programme_id: int, channel: str
) -> InstallationRow | None:
    """The same; where all are paused, one of these."""
    homes = installations.of_programme(connection, programme_id)
    able = [one for one in homes if channel in _channels(hub, one)]
    return min(able, key=lambda one: one.state == "paused", default=None)


def _channels(hub: Hub, home: InstallationRow) -> frozenset[Channel]:
    connector = hub.registry.ready().get(home.connector)
    if connector is None or connector.message is None:
        return frozenset()
    return connector.message.channels


def _wait_for_day(settings: Mapping[str, object], now: datetime, zone: ZoneInfo) -> None:
    """Raises: Later."""
    begin, end = settings.get("quiet_from", 0), settings.get("quiet_to", 0)
    assert isinstance(begin, int)
    assert isinstance(end, int)
    here = now.astimezone(zone)
    is_quiet = begin <= here.hour < end if begin < end else here.hour >= begin or here.hour < end
    if begin == end or not is_quiet:
        return
    day = here.replace(hour=end, minute=0, second=0, microsecond=0)
    if day <= here:
        day += timedelta(days=1)
    raise Later(day.astimezone(now.tzinfo), QUIET_HOURS)


def _message(hub: Hub, row: OutboxRow, way: _Way) -> Message:
    words = way.words
    if words is None:
        number, locale = from_wire("cf", row.payload["confirmation"]), row.payload["locale"]
        assert number is not None
        code = confirm.code_of(hub.vault.derive(CODES), number)
        words = LetterText(TEXTS[locale].format(code=code), SUBJECTS[locale])
    return Message(
        way.to,
        words.text,
        subject=words.subject,
        html=words.html,
        channel=way.channel,
        unsubscribe=way_out(hub, row, way.channel),
        made_at=made_at(row.id),
    )
