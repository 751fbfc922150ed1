"""The job: send what the outbox holds, at a pace, with pauses, and keep what cannot be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.outbox import balances
from hub.outbox.messages import kept_of, send_message
from hub.outbox.outcomes import (
    PERHAPS_TAKEN,
    Later,
    NotAnswered,
    Outlived,
    PassedOver,
    Withheld,
)
from hub.wiring import Hub
from loyalty_core.service.standing import TIER_CHANGED, TIER_ENDING
from loyalty_core.service.write_letters import tell_tiers
from loyalty_core.store import outbox, sent_messages
from loyalty_core.store.database import is_away, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.outbox import Fate, OutboxRow
from loyalty_core.store.sent_messages import SentMessage
from loyalty_kit.errors import AnswerLost, AnswerUnclear

log = structlog.get_logger(__name__)

BATCH = 100
LEASE = timedelta(minutes=1)
"""A worker that died gives its rows back after this time."""
ONE_CALL = timedelta(minutes=5)
"""A vendor who dawdles may take so long over one message, by the limits of the transport."""
SHIFT = timedelta(seconds=15)
"""A batch that takes longer, at a vendor who is slow, makes room for what is urgent."""

Sender = Callable[[Hub, OutboxRow], SentMessage | None]
"""Sends one row and gives what is kept of it; must bear being called again with the same row."""

OF_TIERS = frozenset({TIER_CHANGED, TIER_ENDING})
"""Kinds that letters to members are made of."""
SHOWN = frozenset({outbox.BALANCE_CHANGED, TIER_CHANGED})
"""Kinds that shops which show balances are to be told of."""


class UnknownKind(LookupError):
    """Nobody knows how to send rows of this kind."""


def send_batch(hub: Hub, programme_id: int, senders: Mapping[str, Sender] | None = None) -> int:
    """Claim and send one batch; how many rows it had.

    Raises: database errors; whatever else goes wrong ends at its row.
    """
    now = hub.clock.now()
    until = now + LEASE
    rows = transact(
        hub.engine,
        lambda c: outbox.claim(c, programme_id, now=now, until=until, limit=BATCH),
    )
    of_tiers = [row for row in rows if row.kind in OF_TIERS]
    of_balances = [row for row in rows if row.kind in SHOWN]
    if of_tiers or of_balances:
        _work_off(hub, programme_id, until, of_tiers, of_balances)
    todo = [row for row in rows if row.kind not in OF_TIERS | {outbox.BALANCE_CHANGED}]
    for done, row in enumerate(todo):
        if hub.clock.now() >= now + SHIFT:
            _give_back(hub, todo[done:], until)
            break
        if row.kind != outbox.MESSAGE or _kept(hub, row):
            _send(hub, row, SENDERS if senders is None else senders)
    return len(rows)


def _kept(hub: Hub, row: OutboxRow) -> bool:
    """Claim it for as long as its call may take, unless someone else has claimed it since."""
    until = hub.clock.now() + ONE_CALL
    return transact(hub.engine, lambda c: outbox.keep_claim(c, row, until=until))


def _give_back(hub: Hub, rows: Sequence[OutboxRow], until: datetime) -> None:
    """Before the lease is over, or others would send them as well."""
    now = hub.clock.now()
    transact(hub.engine, lambda c: outbox.give_back(c, rows, until=until, now=now))


def _work_off(
    hub: Hub,
    programme_id: int,
    until: datetime,
    of_tiers: Sequence[OutboxRow],
    of_balances: Sequence[OutboxRow],
) -> None:
    """What is not sent itself: letters are written of tiers, and shops are to be told of
    balances and tiers.  Together; where that fails, each by itself, so that one holds up no other.
    """
    now = hub.clock.now()
    rows = [*of_tiers, *(row for row in of_balances if row.kind not in OF_TIERS)]

    def work(connection: Connection) -> None:
        if of_tiers:
            tell_tiers(connection, hub.plans, programme_id, of_tiers, now=now)
        if of_balances:
            balances.spread(hub, connection, programme_id, of_balances, now)
        outbox.settle_done(connection, rows, until=until, now=now)

    try:
        transact(hub.engine, work)
    except Exception as error:
        if is_away(error):
            raise
        if len(rows) == 1:
            _settle(hub, rows[0], _fate_of(hub, rows[0], error))
            return
        for row in rows:
            of = [[row] if row in some else [] for some in (of_tiers, of_balances)]
            _work_off(hub, programme_id, until, *of)
        return
    hub.metrics.outbox_worked.labels("done").inc(len(rows))


def _send(hub: Hub, row: OutboxRow, senders: Mapping[str, Sender]) -> None:
    kept: SentMessage | None = None
    failed = False
    try:
        if row.kind not in senders:
            raise UnknownKind(row.kind)
        kept = senders[row.kind](hub, row)
        fate = Fate("done")
    except Exception as error:
        if is_away(error):
            raise
        fate = _fate_of(hub, row, error)
        failed = fate.state == "dead" or isinstance(error, Outlived)
    if failed and row.kind == outbox.MESSAGE:
        kept = kept_of(row, "failed", hub.clock.now(), fate.error_code)
    _settle(hub, row, fate, kept)


def _settle(hub: Hub, row: OutboxRow, fate: Fate, kept: SentMessage | None = None) -> None:
    now = hub.clock.now()

    def settle(connection: Connection) -> None:
        if outbox.settle(connection, row, fate, now=now) and kept is not None:
            sent_messages.keep(connection, kept)

    transact(hub.engine, settle)
    hub.metrics.outbox_worked.labels(_outcome(fate)).inc()


def _outcome(fate: Fate) -> str:
    """In the words of the metric."""
    if fate.state == "due":
        return "again"
    return "dropped" if fate.state == "done" and fate.error_code else fate.state


def _fate_of(hub: Hub, row: OutboxRow, error: Exception) -> Fate:
    known = {"row": to_wire("o", row.id), "kind": row.kind}
    if isinstance(error, Withheld):
        hub.metrics.messages_withheld.labels(error.code).inc()
    if isinstance(error, PassedOver):
        return Fate("done", error_code=error.code, error_text=str(error))
    if isinstance(error, Later):
        return _again(row, Fate("due", error.due_at, error.code, None, attempt_counts=False))
    if isinstance(error, UnknownKind):
        log.error("outbox_unknown_kind", **known)
        return Fate("dead", error_code="unknown_kind", error_text=f"No sender for {row.kind!r}.")
    is_unknown = row.kind == outbox.MESSAGE and isinstance(error, AnswerLost | AnswerUnclear)
    if is_unknown and row.error_code == PERHAPS_TAKEN:
        # Each time may be one more to the same person, and one more to pay for.
        error = NotAnswered(f"Handed over twice, and not answered. {error}")
    judged = fates.judge(error, row.attempts, hub.clock.now()).fate
    if judged.error_code == fates.DEFECT:
        log.error("outbox_defect", **known, exc_info=error)
    else:
        log.warning("outbox_failed", **known, code=judged.error_code, state=judged.state)
    fate = Fate(
        "dead" if judged.state == "dropped" else judged.state,
        judged.due_at,
        judged.error_code,
        judged.error_text,
        attempt_counts=judged.attempt_counts,
    )
    return _again(row, fate, perhaps_taken=is_unknown)


def _again(row: OutboxRow, fate: Fate, *, perhaps_taken: bool = False) -> Fate:
    """What may have been taken stays so, whatever keeps it from its next time: a night, a pause,
    or a gateway that for once says that it is down."""
    unsure = perhaps_taken or row.error_code == PERHAPS_TAKEN
    return replace(fate, error_code=PERHAPS_TAKEN) if unsure and fate.state == "due" else fate


SENDERS: Mapping[str, Sender] = {outbox.MESSAGE: send_message}
