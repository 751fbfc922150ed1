"""The door: a webhook's call is verified, kept once, and answered; its meaning comes later."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import structlog
from sqlalchemy import Connection

from hub.live import Live, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.store import inbox, installations
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire
from loyalty_core.store.inbox import NewDelivery
from loyalty_kit.errors import Acknowledged, Refused, Unreadable
from loyalty_kit.ports import InboundRequest, Webhook
from loyalty_kit.redact import is_personal_name, is_secret_name

log = structlog.get_logger(__name__)

QUERY_MARK = "?"
"""Before the names of query parameters, which are kept among the headers."""
_KEPT = frozenset({"content-type", "content-encoding", "date"})
_OF_PROXIES = ("x-forwarded-", "x-real-ip", "x-client-ip", "x-original-")


class NoSuchDoor(LookupError):
    """No installation of this id, or its connector has no webhook of this name."""


class Taken(StrEnum):
    STORED = "stored"
    KNOWN = "known"
    ACKNOWLEDGED = "acknowledged"


def take_in(hub: Hub, installation: str, hook: str, inbound: InboundRequest) -> Taken:
    """Keep a delivery once, and ring for its programme after the commit.

    Deliveries for a paused installation, or one that waits for its owner, are kept as well.

    Raises: NoSuchDoor, Refused (forged or unreadable: nothing is kept), NotLive, database errors.
    """
    live = _behind(hub, installation)
    webhook = live.webhook(hook)
    if webhook is None:
        raise NoSuchDoor(hook)
    try:
        key = _key_of(webhook, inbound, live)
    except Acknowledged:
        return _counted(hub, live, Taken.ACKNOWLEDGED)
    except Refused as refusal:
        hub.metrics.deliveries_received.labels(live.row.connector, refusal.code).inc()
        log.warning("delivery_refused", installation=wire_id(live.row.id), code=refusal.code)
        raise
    stored = _store(hub, live, _delivery(live, hook, key, inbound))
    if stored:
        hub.bell.ring(live.row.programme_id)
    return _counted(hub, live, Taken.STORED if stored else Taken.KNOWN)


def as_received(headers: Mapping[str, str], body: bytes) -> InboundRequest:
    """The call as it was kept: what was not needed or is secret is missing."""
    return InboundRequest(
        headers={k: v for k, v in headers.items() if not k.startswith(QUERY_MARK)},
        body=body,
        query={k[1:]: v for k, v in headers.items() if k.startswith(QUERY_MARK)},
    )


def _behind(hub: Hub, installation: str) -> Live:
    number = from_wire("i", installation)
    if number is None:
        raise NoSuchDoor(installation)
    with read(hub.engine) as connection:
        row = installations.get(connection, number)
    if row is None:
        raise NoSuchDoor(installation)
    return enliven(hub, row)


def _key_of(webhook: Webhook, inbound: InboundRequest, live: Live) -> str:
    webhook.verify(inbound, live.settings)
    key = webhook.delivery_key(inbound)
    if not key:
        raise Unreadable("no delivery key")
    return key


def _delivery(live: Live, hook: str, key: str, inbound: InboundRequest) -> NewDelivery:
    return NewDelivery(
        installation_id=live.row.id,
        programme_id=live.row.programme_id,
        hook=hook,
        key=key,
        headers=_worth_keeping(inbound),
        body=inbound.body,
    )


def _worth_keeping(inbound: InboundRequest) -> dict[str, str]:
    kept = {
        name: value
        for name, value in inbound.headers.items()
        if name in _KEPT or (name.startswith("x-") and not name.startswith(_OF_PROXIES))
    }
    kept |= {QUERY_MARK + name: value for name, value in inbound.query.items()}
    return {
        name: value
        for name, value in kept.items()
        if not is_secret_name(name.lstrip(QUERY_MARK)) and not is_personal_name(name)
    }


def _store(hub: Hub, live: Live, delivery: NewDelivery) -> bool:
    now = hub.clock.now()

    def keep(connection: Connection) -> bool:
        installations.heard_from(connection, live.row.id, now=now)
        return inbox.store(connection, delivery, now=now) is not None

    return transact(hub.engine, keep)


def _counted(hub: Hub, live: Live, taken: Taken) -> Taken:
    hub.metrics.deliveries_received.labels(live.row.connector, taken.value).inc()
    return taken
