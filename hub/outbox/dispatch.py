"""The job: send what the outbox holds, at a pace, with pauses, and keep what cannot be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from hub.ingest import fates
from hub.ingest.process import DATABASE_AWAY
from hub.wiring import Hub
from loyalty_core.domain.errors import NotAvailable
from loyalty_core.store import installations, outbox
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.outbox import Fate, OutboxRow

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = timedelta(minutes=5)


Sender = Callable[[Hub, OutboxRow], None]
"""Sends one row; must bear being called again with the same row."""


class UnknownKind(LookupError):
    """Nobody knows how to send rows of this kind."""


def send_batch(hub: Hub, programme_id: int, senders: Mapping[str, Sender] | None = None) -> int:
    """Claim and send one batch; how many rows it had.

    Raises: database errors; whatever else goes wrong ends at its row.
    """
    now = hub.clock.now()
    rows = transact(
        hub.engine,
        lambda c: outbox.claim(c, programme_id, now=now, until=now + LEASE, limit=BATCH),
    )
    for row in rows:
        _send(hub, row, SENDERS if senders is None else senders)
    return len(rows)


def _send(hub: Hub, row: OutboxRow, senders: Mapping[str, Sender]) -> None:
    try:
        if row.kind not in senders:
            raise UnknownKind(row.kind)
        senders[row.kind](hub, row)
        fate = Fate("done")
    except DATABASE_AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - the job's edge: the row is kept as failed
        fate = _fate_of(hub, row, error)
    now = hub.clock.now()
    transact(hub.engine, lambda connection: outbox.settle(connection, row, fate, now=now))
    hub.metrics.outbox_worked.labels(fate.state if fate.state != "due" else "again").inc()


def _fate_of(hub: Hub, row: OutboxRow, error: Exception) -> Fate:
    known = {"row": to_wire("o", row.id), "kind": row.kind}
    if isinstance(error, UnknownKind):
        log.error("outbox_unknown_kind", **known)
        return Fate("dead", error_code="unknown_kind", error_text=f"No sender for {row.kind!r}.")
    judged = fates.judge(error, row.attempts, hub.clock.now()).fate
    if judged.error_code == fates.DEFECT:
        log.error("outbox_defect", **known, exc_info=error)
    else:
        log.warning("outbox_failed", **known, code=judged.error_code, state=judged.state)
    state = "dead" if judged.state == "dropped" else judged.state
    return Fate(state, judged.due_at, judged.error_code, judged.error_text)


def _balance_changed(hub: Hub, row: OutboxRow) -> None:
    """Tell every shop that shows balances.

    No connector can be told one yet, so there is nobody to tell; a connector that could is
    refused loudly, rather than passed over.

    Raises: NotAvailable.
    """
    with read(hub.engine) as connection:
        rows = installations.of_programme(connection, row.programme_id)
    ready = hub.registry.ready()
    if any(one.connector in ready and ready[one.connector].push_balance for one in rows):
        raise NotAvailable({"feature": "push_balance"})


SENDERS: Mapping[str, Sender] = {"balance_changed": _balance_changed}
