"""The shop's side of a connection: its clock, its limits, its webhooks; asked now, or kept up by
the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from hub.live import Live, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.domain.errors import NotAvailable
from loyalty_core.store import installations
from loyalty_core.store.audit import note
from loyalty_core.store.database import is_away, transact
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.errors import ConnectorError, NeedsAttention
from loyalty_kit.ports import RemoteWebhook
from loyalty_kit.redact import redact_text
from loyalty_kit.seen import Seen, watching

log = structlog.get_logger(__name__)

SLACK_S = 2
"""An answer's time has whole seconds and was on its way."""
_TEXT_LIMIT = 300
DEFECT = "defect"
AUTHOR = "hub"
"""Who stands in the log where nobody pressed the button."""
LOOK_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ShopSide:
    """`skew_s`: how far the shop's clock is ahead of ours, 0 within what cannot be told;
    `left` calls of `limit` are free; `webhooks` None: the connector cannot look at them.
    """

    looked_at: datetime
    error_code: str | None = None
    error_text: str | None = None
    skew_s: int | None = None
    left: int | None = None
    limit: int | None = None
    webhooks: tuple[RemoteWebhook, ...] | None = None


def look(hub: Hub, row: InstallationRow) -> ShopSide:
    """Call the shop, and change nothing there.  Whatever goes wrong is told."""
    code = text = None
    webhooks: tuple[RemoteWebhook, ...] | None = None
    with watching() as seen:
        try:
            webhooks = _ask(hub, enliven(hub, row))
        except ConnectorError as error:
            code, text = error.code, redact_text(str(error))[:_TEXT_LIMIT]
        except Exception as error:
            log.error("look_defect", installation=wire_id(row.id), exc_info=error)
            code, text = DEFECT, type(error).__name__
    now = hub.clock.now()
    return ShopSide(now, code, text, _skew_s(seen, now), seen.left, seen.limit, webhooks)


def mend(hub: Hub, row: InstallationRow, *, author: str) -> None:
    """Make the shop's webhooks as they should be.

    Raises: NotAvailable (the connector cannot), ConnectorError.
    """
    live = enliven(hub, row)
    if live.connector.shop_webhooks is None:
        raise NotAvailable({"feature": "shop_webhooks"})
    live.connector.shop_webhooks.mend(live.client(), addresses_of(hub, live))
    now = hub.clock.now()

    def save(connection: Connection) -> None:
        subject = live.wire_id
        note(connection, row.programme_id, "webhooks_mended", subject, author=author, now=now)

    transact(hub.engine, save)


def keep_up(hub: Hub, programme_id: int) -> bool:
    """Look at one shop whose webhooks are due to be looked at; False if there is none.

    Shops switch webhooks off after failures, and never on again.  Where one works or is off, the
    owner wants them, so those that are off or missing are mended, and what was not told meanwhile
    is asked for.  A shop that has none is left alone, and so is one whose key may not see them:
    that changes nothing for its receipts, and the page of its health tells it.

    Raises: database errors.
    """
    now = hub.clock.now()
    until = now + LOOK_EVERY
    row = transact(
        hub.engine,
        lambda c: installations.claim_duty(c, programme_id, "webhooks", now=now, until=until),
    )
    if row is None:
        return False
    if not can_mend(hub, row):
        transact(hub.engine, lambda c: installations.change(c, row.id, webhooks_due_at=None))
        return True
    states = {one.state for one in look(hub, row).webhooks or ()}
    if states - {"working"} and states != {"missing"}:
        _mend_quietly(hub, row)
    return True


def can_mend(hub: Hub, row: InstallationRow) -> bool:
    """Whether its connector can look after the shop's webhooks."""
    try:
        return enliven(hub, row).connector.shop_webhooks is not None
    except NeedsAttention:
        return False


def _mend_quietly(hub: Hub, row: InstallationRow) -> None:
    known = {"installation": wire_id(row.id)}
    try:
        mend(hub, row, author=AUTHOR)
    except ConnectorError as error:
        log.warning("webhooks_not_mended", **known, code=error.code)
        return
    except Exception as error:
        if is_away(error):
            raise
        log.error("webhooks_defect", **known, exc_info=error)
        return
    log.info("webhooks_mended", **known)
    now = hub.clock.now()
    transact(hub.engine, lambda c: installations.hurry(c, row.id, "pull", now=now))


def addresses_of(hub: Hub, live: Live) -> Mapping[str, str]:
    """Where the shop reaches each webhook; none where nobody told the hub its own address."""
    base = hub.config.public_url
    if base is None:
        return {}
    return {
        hook.name: f"{base.rstrip('/')}/hooks/{live.wire_id}/{hook.name}"
        for hook in live.connector.webhooks
    }


def _ask(hub: Hub, live: Live) -> tuple[RemoteWebhook, ...] | None:
    """A look at the webhooks shows that the shop answers; else the connector's test does."""
    connector = live.connector
    if connector.make_client is None:
        return None
    if connector.shop_webhooks is not None:
        return connector.shop_webhooks.look(live.client(), addresses_of(hub, live))
    if connector.check is not None:
        connector.check(live.client())
    return None


def _skew_s(seen: Seen, now: datetime) -> int | None:
    if seen.said_at is None:
        return None
    ahead = seen.said_at - now
    return 0 if abs(ahead) <= timedelta(seconds=SLACK_S) else round(ahead.total_seconds())
