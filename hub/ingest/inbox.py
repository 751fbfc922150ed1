"""The door: a webhook's call is verified, kept once, and answered; its meaning comes later."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, partial

import structlog
from sqlalchemy.exc import DBAPIError

from hub.gathering import Gathering, InCompany
from hub.live import Live, enliven
from hub.wiring import Hub
from loyalty_core.store import inbox, installations
from loyalty_core.store.database import is_away, is_sqlite
from loyalty_core.store.ids import from_wire
from loyalty_core.store.inbox import Guarded, NewDelivery
from loyalty_core.store.prompt import UNAVAILABLE, PromptDatabase
from loyalty_kit.errors import Acknowledged, Refused, Unreadable
from loyalty_kit.ports import InboundRequest, Webhook
from loyalty_kit.redact import is_personal_name, is_secret_name

log = structlog.get_logger(__name__)

PATIENCE_S = 3.0
"""For a lock; a sender whose call is not answered repeats it, or gives the webhook up."""
DEADLINE_S = PATIENCE_S + 1
"""For a connection, the statement and its answer: PostgreSQL, whose patience ends first, says
so on a connection that lives on."""
TOGETHER_BYTES = 512 * 1024
"""Of bodies that one statement keeps at most."""
HEARD_EVERY = timedelta(minutes=1)
REFUSED_EVERY = timedelta(minutes=1)

LONGEST_KEY = 255
"""Characters; PostgreSQL has no index over what is much longer."""

QUERY_MARK = "?"
"""Before the names of query parameters, which are kept among the headers."""
NO_DATABASE_HOLDS = re.compile("[\x00\ud800-\udfff]")
"""In texts of PostgreSQL: NUL, and halves of surrogate pairs, which UTF-8 does not have."""
_KEPT = frozenset({"content-type", "content-encoding", "date"})
_OF_PROXIES = ("x-forwarded-", "x-real-ip", "x-client-ip", "x-original-")


class NoSuchDoor(LookupError):
    """No installation of this id, or its connector has no webhook of this name."""


class Taken(StrEnum):
    STORED = "stored"
    KNOWN = "known"
    ACKNOWLEDGED = "acknowledged"


class Door:
    """The doors of all installations, in one process of the web.

    An installation's settings are remembered once they were opened.  They stand guard by
    themselves: the statement that keeps a delivery keeps it only if the settings are still the
    same.  Whatever else comes out, they are read anew before it is answered.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._prompt = PromptDatabase(hub.engine, patience_s=PATIENCE_S)
        self._known: dict[str, _Known] = {}
        # SQLite has one writer anyway.
        self._together = (
            None
            if is_sqlite(hub.engine)
            else Gathering(
                self._keep_together,
                size=lambda one: len(one.new.body),
                most=TOGETHER_BYTES,
                longer_s=DEADLINE_S,
            )
        )

    def take_in(self, installation: str, hook: str, inbound: InboundRequest) -> Taken:
        """Keep a delivery once, or each of those that the call brings, and ring for its programme
        after the commit.

        Deliveries for a paused installation, or one that waits for its owner, are kept as well.
        Of a call that fails in the middle some may be kept: the sender repeats it.

        Raises: NoSuchDoor, Refused (forged or unreadable: nothing is kept), NotLive; one of
        `UNAVAILABLE` within some seconds.
        """
        known = self._known.get(installation)
        if known is not None:
            with suppress(NoSuchDoor, Refused, Acknowledged):
                deliveries = _deliveries(known.live, hook, inbound)
                settings = known.live.row.settings
                stored = [self._is_kept(Guarded(one, settings)) for one in deliveries]
                taken = self._stored(known) if any(stored) else None
                if taken is not None and all(stored):
                    return taken
        return self._take_in_anew(installation, hook, inbound)

    def _take_in_anew(self, installation: str, hook: str, inbound: InboundRequest) -> Taken:
        self._known.pop(installation, None)
        live = self._behind(installation)
        known = self._known[installation] = _Known(live, live.row.last_delivery_at)
        try:
            deliveries = _deliveries(live, hook, inbound)
        except Acknowledged:
            return self._counted(live, Taken.ACKNOWLEDGED)
        except Refused as refusal:
            self._hub.metrics.deliveries_received.labels(live.row.connector, refusal.code).inc()
            log.warning("delivery_refused", installation=live.wire_id, code=refusal.code)
            note_refusal(self._prompt, live, refusal.code, now=self._hub.clock.now())
            raise
        now = self._hub.clock.now()
        stored = [
            self._prompt.write(partial(inbox.store, new=one, now=now), within_s=DEADLINE_S)
            for one in deliveries
        ]
        if any(number is not None for number in stored):
            return self._stored(known)
        return self._counted(live, Taken.KNOWN)

    def _behind(self, installation: str) -> Live:
        number = from_wire("i", installation)
        if number is None:
            raise NoSuchDoor(installation)
        row = self._prompt.read(
            partial(installations.get, installation_id=number), within_s=DEADLINE_S
        )
        if row is None:
            raise NoSuchDoor(installation)
        return enliven(self._hub, row)

    def _is_kept(self, one: Guarded) -> bool:
        if self._together is None:
            return self._keep_alone(one) is not None
        try:
            return self._together.call(one, within_s=DEADLINE_S) is not None
        except InCompany as error:
            cause = error.__cause__
            if isinstance(cause, DBAPIError) and not is_away(cause):
                return self._keep_alone(one) is not None
            raise cause or error from None

    def _keep_together(self, some: Sequence[Guarded]) -> Sequence[int | None]:
        if len(some) == 1:
            return [self._keep_alone(some[0])]
        keep = partial(inbox.store_behind_each, news=some, now=self._hub.clock.now())
        return self._prompt.write(keep, within_s=DEADLINE_S)

    def _keep_alone(self, one: Guarded) -> int | None:
        keep = partial(inbox.store_behind, one=one, now=self._hub.clock.now())
        return self._prompt.write(keep, within_s=DEADLINE_S)

    def _stored(self, known: _Known) -> Taken:
        live, now = known.live, self._hub.clock.now()
        if known.heard_at is None or now - known.heard_at > HEARD_EVERY:
            heard = partial(installations.heard_from, installation_id=live.row.id, now=now)
            self._prompt.write(heard, within_s=DEADLINE_S)
            known.heard_at = now
        self._hub.bell.ring_soon(live.row.programme_id)
        return self._counted(live, Taken.STORED)

    def _counted(self, live: Live, taken: Taken) -> Taken:
        self._hub.metrics.deliveries_received.labels(live.row.connector, taken.value).inc()
        return taken


@dataclass(slots=True)
class _Known:
    live: Live
    heard_at: datetime | None


def note_refusal(prompt: PromptDatabase, live: Live, code: str, *, now: datetime) -> None:
    """Have the page of the connection's health tell it; whoever called is answered all the same."""
    last = live.row.refused_at
    if last is not None and now - last < REFUSED_EVERY:
        return
    note = partial(installations.refused, installation_id=live.row.id, code=code, now=now)
    with suppress(*UNAVAILABLE):
        prompt.write(note, within_s=DEADLINE_S)


def as_received(headers: Mapping[str, str], body: bytes) -> InboundRequest:
    """The call as it was kept: what was not needed or is secret is missing."""
    return InboundRequest(
        headers={k: v for k, v in headers.items() if not k.startswith(QUERY_MARK)},
        body=body,
        query={k[1:]: v for k, v in headers.items() if k.startswith(QUERY_MARK)},
    )


def _deliveries(live: Live, hook: str, inbound: InboundRequest) -> list[NewDelivery]:
    """Raises: NoSuchDoor, Refused, Acknowledged."""
    webhook = live.webhook(hook)
    if webhook is None:
        raise NoSuchDoor(hook)
    webhook.verify(inbound, live.settings)
    if webhook.apart is None:
        return [_delivery(live, webhook, inbound)]
    parts = webhook.apart(inbound, live.settings)
    return [_delivery(live, webhook, one) for one in parts]


def _delivery(live: Live, webhook: Webhook, inbound: InboundRequest) -> NewDelivery:
    """Raises: Unreadable."""
    key = webhook.delivery_key(inbound)
    if not key:
        raise Unreadable("no delivery key")
    if len(key) > LONGEST_KEY:
        raise Unreadable("too long a delivery key")
    headers = _worth_keeping(inbound)
    if any(NO_DATABASE_HOLDS.search(text) for text in (key, *headers, *headers.values())):
        raise Unreadable("a character that cannot be kept")
    return NewDelivery(
        installation_id=live.row.id,
        programme_id=live.row.programme_id,
        hook=webhook.name,
        key=key,
        headers=headers,
        body=inbound.body,
    )


def _worth_keeping(inbound: InboundRequest) -> dict[str, str]:
    kept = {name: value for name, value in inbound.headers.items() if _is_kept(name)}
    for name, value in inbound.query.items():
        if not _is_private(name):
            kept[QUERY_MARK + name] = value
    return kept


@lru_cache(maxsize=512)
def _is_kept(name: str) -> bool:
    wanted = name in _KEPT or (name.startswith("x-") and not name.startswith(_OF_PROXIES))
    return wanted and not _is_private(name)


def _is_private(name: str) -> bool:
    return is_secret_name(name) or is_personal_name(name)
