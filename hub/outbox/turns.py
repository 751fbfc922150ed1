"""How what changed is told to shops: each connection under a lease of its own, one call after the
other.  A shop that is dead or slow waits out growing pauses, and the others do not hear of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection

from hub.ingest import fates
from hub.wiring import Hub
from loyalty_core.store import inbox, installations
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.errors import NeedsAttention, RateLimited, Retry

LEASE = timedelta(minutes=5)
"""A vendor who dawdles may take so long over one call, by the limits of the transport."""
SHIFT = timedelta(seconds=10)
"""A turn that takes longer makes room for whatever else is due."""
LONGEST_PAUSE = 5
"""After so many failures in a row the pause grows no further (`fates.PAUSES`)."""

Row = TypeVar("Row")


class LeaseLost(Exception):
    """Another worker has the connection by now."""


@dataclass(frozen=True, slots=True)
class Duty:
    """`name` is that of its columns at an installation; `trouble` the code under which its owner
    is shown that the shop does not take it.  `next_at`: when there is something to tell again."""

    name: str
    trouble: str
    next_at: Callable[[Connection, InstallationRow, datetime], datetime | None]


@dataclass(slots=True)
class Turn:
    """`told`: the shop took something; `troubled`: it let something not be told."""

    duty: Duty
    row: InstallationRow
    until: datetime
    told: bool = False
    troubled: bool = False


def take_turn(hub: Hub, programme_id: int, duty: Duty, work: Callable[[Turn], int]) -> int:
    """One turn of one connection that has something to tell; how many rows it looked at.

    `work` raises what is wrong with the shop as a whole.

    Raises: database errors; whatever else goes wrong is shown at the connection.
    """
    now = hub.clock.now()
    until = now + LEASE
    row = transact(
        hub.engine,
        lambda c: installations.claim_duty(c, programme_id, duty.name, now=now, until=until),
    )
    if row is None:
        return 0
    turn = Turn(duty, row, until)
    try:
        looked = work(turn)
    except LeaseLost:
        return 1
    except Exception as error:
        if is_away(error):
            raise
        _pause(hub, turn, error)
        return 1
    _end_turn(hub, turn, looked)
    return looked


def each(hub: Hub, turn: Turn, rows: Iterable[Row], tell: Callable[[Row], None]) -> int:
    """Tell of one after the other, until others want the worker; how many were told of.

    Raises: LeaseLost, and what `tell` raises.
    """
    begun, done = hub.clock.now(), 0
    for row in rows:
        _keep_lease(hub, turn)
        tell(row)
        done += 1
        if hub.clock.now() >= begun + SHIFT or _receipts_wait(hub, turn):
            break
    return done


def _receipts_wait(hub: Hub, turn: Turn) -> bool:
    """They wait for one call at most."""
    with read(hub.engine) as connection:
        return inbox.is_due(connection, turn.row.programme_id, now=hub.clock.now())


def is_of_the_shop(error: Exception) -> bool:
    """Others of its rows would fail as well."""
    if isinstance(error, NeedsAttention):
        return error.code not in fates.OF_ONE_DELIVERY
    return isinstance(error, Retry)


def show(connection: Connection, home: int, code: str, trouble: fates.Trouble) -> None:
    """To the owner, under the duty's own name, since only what is told then shows that it is over;
    what stands there of something else stays."""
    row = installations.lock(connection, home)
    if row is not None and row.trouble_code in (None, code):
        installations.mark_trouble(connection, home, code, trouble.text)


def _keep_lease(hub: Hub, turn: Turn) -> None:
    """Raises: LeaseLost."""
    until = hub.clock.now() + LEASE
    kept = transact(
        hub.engine,
        lambda c: installations.keep_duty(c, turn.row.id, turn.duty.name, turn.until, until=until),
    )
    if not kept:
        raise LeaseLost
    turn.until = until


def _pause(hub: Hub, turn: Turn, error: Exception) -> None:
    """All that is to be told to this shop waits: as long as it asks for, or longer with each
    failure."""
    name, now = turn.duty.name, hub.clock.now()
    failed: int = getattr(turn.row, f"{name}_failed")
    if isinstance(error, RateLimited):
        due_at = now + timedelta(seconds=max(1.0, error.retry_after_s))
    elif isinstance(error, Retry):
        due_at = now + fates.PAUSES[min(failed, LONGEST_PAUSE - 1)]
        failed += 1
    else:
        due_at = now + fates.ATTENTION_PAUSE
    verdict = fates.judge(error, 1, now)

    def save(connection: Connection) -> None:
        if installations.lock_duty(connection, turn.row.id, name, turn.until):
            values = {f"{name}_due_at": due_at, f"{name}_failed": failed}
            installations.change(connection, turn.row.id, **values)
        if verdict.trouble is not None:
            show(connection, turn.row.id, turn.duty.trouble, verdict.trouble)

    transact(hub.engine, save)


def _end_turn(hub: Hub, turn: Turn, looked: int) -> None:
    """It goes on when there is something again; if the shop took it, what was wrong is over."""
    number, name, now = turn.row.id, turn.duty.name, hub.clock.now()

    def save(connection: Connection) -> None:
        row = installations.lock(connection, number)
        if row is None or getattr(row, f"{name}_due_at") != turn.until:
            return
        failed = 0 if looked else getattr(row, f"{name}_failed")
        due_at = turn.duty.next_at(connection, row, now)
        values = {f"{name}_due_at": due_at, f"{name}_failed": failed}
        installations.change(connection, number, **values)
        if turn.told and not turn.troubled and row.trouble_code == turn.duty.trouble:
            installations.clear_trouble(connection, number)

    transact(hub.engine, save)
