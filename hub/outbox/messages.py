"""Sends a message: which connection, where to, whether now, and what becomes of it.

The payload of a row says `channel` and `expires_at`, then either `confirmation` and `locale`,
or `message_class` (`service` or `advertising`; left out, it is advertising), `text`, `subject`
and `html`; `to` is for those who are no members.

Whether it may go is asked here and now, and not when it was written: what was queued before the
person said no is not sent.

At least once: a worker that dies between the vendor's "taken" and our mark leaves a row that
is sent again, with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from hub.live import enliven
from hub.wiring import Hub
from loyalty_core.domain.consents import MessageClass
from loyalty_core.service import confirm
from loyalty_core.service.channels import FORBIDDEN, state_of
from loyalty_core.service.consents import may_send
from loyalty_core.service.opt_out import opt_out_token
from loyalty_core.store import installations, programmes
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, made_at
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.outbox import OutboxRow
from loyalty_kit.errors import Drop, NeedsAttention
from loyalty_kit.manifest import Channel
from loyalty_kit.ports import Message, Undeliverable

CODES = "confirmation codes"
"""The purpose of the vault's key for them."""
OPT_OUT = "ways out of advertising"
"""The purpose of the vault's key for links."""
TEXTS: Mapping[str, str] = {
    "ru": "{code} — код подтверждения. Никому его не сообщайте. Действует 3 минуты.",
    "en": "{code} is your confirmation code. Tell it to nobody. Good for 3 minutes.",
}
SUBJECTS: Mapping[str, str] = {"ru": "Код подтверждения", "en": "Confirmation code"}


class Later(Exception):
    """Nobody is disturbed now: not before `due_at`."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__("quiet hours")
        self.due_at = due_at


class Late(Drop):
    """It could not go out before its time was over."""

    code = "message_late"


class NoWay(Drop):
    """There is no address, or no connection, by which it could go."""

    code = "no_way"


class NotDelivered(Drop):
    """The vendor refuses this message for good."""

    code = "undeliverable"


class Withheld(Drop):
    """Law, policy or the person keeps it back; `code` says which (`may_send`)."""

    def __init__(self, reason: str) -> None:
        super().__init__("It may not be sent to this member by this channel.")
        self.code = reason


@dataclass(frozen=True, slots=True)
class _Way:
    home: InstallationRow
    to: str
    zone: ZoneInfo


def channels_of(hub: Hub, connection: Connection, programme_id: int) -> set[str]:
    """By which channels the programme can send: it has a connection for them that is not paused,
    and they are not forbidden.
    """
    homes = installations.of_programme(connection, programme_id)
    now = hub.clock.now()
    return {
        channel
        for channel in {channel for home in homes for channel in _channels(hub, home)}
        if state_of(connection, programme_id, channel, now) != FORBIDDEN
    }


def send_message(hub: Hub, row: OutboxRow) -> None:
    """Raises: Later, Drop (it will never be sent), Retry, NeedsAttention."""
    now = hub.clock.now()
    told = row.payload
    if now >= datetime.fromisoformat(told["expires_at"]):
        raise Late("Its time was over before it could be sent.")
    with read(hub.engine) as connection:
        _check_allowed(connection, row, now)
        way = _way(hub, connection, row)
    try:
        live = enliven(hub, way.home)
        if not row.urgent:
            _wait_for_day(live.settings, now, way.zone)
        messenger = live.connector.message
        assert messenger is not None
        message = _message(hub, row, way.to)
        outcome = messenger.send(live.client(), message, key=row.key)
    except NeedsAttention as error:
        code, text = error.code, str(error)
        transact(hub.engine, lambda c: installations.mark_trouble(c, way.home.id, code, text))
        raise
    if way.home.state == "attention":
        transact(hub.engine, lambda c: installations.clear_trouble(c, way.home.id))
    if isinstance(outcome, Undeliverable):
        raise NotDelivered(outcome.reason)


def opt_out_address(hub: Hub, member_id: int, channel: str) -> str | None:
    """Where this member ends advertising by this channel; None: nobody told the hub its address."""
    if hub.config.public_url is None:
        return None
    token = opt_out_token(hub.vault.derive(OPT_OUT), member_id, channel)
    return f"{hub.config.public_url.rstrip('/')}/c/{token}"


def _check_allowed(connection: Connection, row: OutboxRow, now: datetime) -> None:
    """Raises: Withheld."""
    reason = may_send(
        connection,
        row.programme_id,
        row.member_id,
        channel=row.payload["channel"],
        message_class=_class_of(row),
        now=now,
    )
    if reason is not None:
        raise Withheld(reason)


def _class_of(row: OutboxRow) -> MessageClass:
    if "confirmation" in row.payload:
        return "code"
    return "service" if row.payload.get("message_class") == "service" else "advertising"


def _way(hub: Hub, connection: Connection, row: OutboxRow) -> _Way:
    channel, to = row.payload["channel"], row.payload.get("to")
    if row.member_id is not None:
        to = confirm.address_of(connection, row.programme_id, row.member_id, channel)
    if to is None:
        raise NoWay("The member has no address for it any more.")
    homes = installations.of_programme(connection, row.programme_id)
    home = next((one for one in homes if channel in _channels(hub, one)), None)
    if home is None:
        raise NoWay("No connection sends by this channel; connect one in the console.")
    programme = programmes.programme_by_id(connection, row.programme_id)
    assert programme is not None
    return _Way(home, to, ZoneInfo(programme.timezone))


def _channels(hub: Hub, home: InstallationRow) -> frozenset[Channel]:
    connector = hub.registry.ready().get(home.connector)
    if connector is None or connector.message is None or home.state == "paused":
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
    raise Later(day.astimezone(now.tzinfo))


def _message(hub: Hub, row: OutboxRow, to: str) -> Message:
    told = row.payload
    channel = Channel(told["channel"])
    number = from_wire("cf", told.get("confirmation", ""))
    if number is None:
        return Message(
            to,
            told["text"],
            subject=told.get("subject"),
            html=told.get("html"),
            channel=channel,
            unsubscribe=_way_out(hub, row),
            made_at=made_at(row.id),
        )
    code, locale = confirm.code_of(hub.vault.derive(CODES), number), told["locale"]
    text, subject = TEXTS[locale].format(code=code), SUBJECTS[locale]
    return Message(to, text, subject=subject, channel=channel, made_at=made_at(row.id))


def _way_out(hub: Hub, row: OutboxRow) -> str | None:
    if row.member_id is None or _class_of(row) != "advertising":
        return None
    return opt_out_address(hub, row.member_id, row.payload["channel"])
