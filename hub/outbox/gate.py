"""Whether a message may go to its member by a channel, and the way out that it carries.

Asked when it goes out, and not when it was written: what was queued before the person said no
is not sent.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from hub.outbox.outcomes import Withheld
from hub.wiring import Hub
from loyalty_core.domain.consents import MessageClass
from loyalty_core.service.consents import may_send
from loyalty_core.service.opt_out import opt_out_token
from loyalty_core.store.outbox import OutboxRow
from loyalty_kit.manifest import Channel

NO_WAY_OUT = "no_way_out"
"""Nobody told the hub the address under which people reach it (`HUB_PUBLIC_URL`)."""
OPT_OUT = "ways out of advertising"
"""The purpose of the vault's key for links."""


def check_allowed(
    hub: Hub, connection: Connection, row: OutboxRow, channel: str, now: datetime
) -> None:
    """Advertising mail goes out with a way out of it, or not at all.  Raises: Withheld."""
    reason = may_send(
        connection,
        row.programme_id,
        row.member_id,
        channel=channel,
        message_class=_class_of(row),
        now=now,
    )
    if reason is not None:
        raise Withheld(reason)
    if channel == Channel.EMAIL and _is_advertising(row) and hub.config.public_url is None:
        raise Withheld(NO_WAY_OUT)


def way_out(hub: Hub, row: OutboxRow, channel: str) -> str | None:
    """Where its member ends advertising by this channel; None for what is none."""
    if row.member_id is None or not _is_advertising(row):
        return None
    return opt_out_address(hub, row.member_id, channel)


def opt_out_address(hub: Hub, member_id: int, channel: str) -> str | None:
    """Where this member ends advertising by this channel; None: nobody told the hub its address."""
    if hub.config.public_url is None:
        return None
    token = opt_out_token(hub.vault.derive(OPT_OUT), member_id, channel)
    return f"{hub.config.public_url.rstrip('/')}/c/{token}"


def _is_advertising(row: OutboxRow) -> bool:
    return _class_of(row) == "advertising"


def _class_of(row: OutboxRow) -> MessageClass:
    """A trial is read by whoever asks for it, as a code is; what is not told is advertising."""
    told = row.payload
    if "confirmation" in told or (row.member_id is None and "letter" in told):
        return "code"
    return "service" if told.get("message_class") == "service" else "advertising"
