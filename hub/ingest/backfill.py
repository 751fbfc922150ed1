"""What a shop sold before it was connected, or while it could not be heard, from a day on.

A back-fill walks the shop's lists of changes as polling does, with a cursor of its own: once to
count, and once to put the documents into the inbox.  There they have the rows that webhooks and
polling give them, so whatever is known already is not booked twice.  It adds a page only while
few of its documents wait, so that what comes live is not held up.  Its row says where it stands:
whoever drains the programme takes the next step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.ingest.pull import LEASE, RETRY_PAUSE, as_rows
from hub.live import Live, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.domain.errors import Conflict, InvalidInput, NotAvailable
from loyalty_core.store import backfills, inbox, installations
from loyalty_core.store.audit import note
from loyalty_core.store.backfills import UNDERWAY, BackfillRow
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.errors import NeedsAttention, Retry
from loyalty_kit.ports import Client, Pull, PullPage
from loyalty_kit.wire_fields import TIME_OUT_OF_RANGE, YEARS

log = structlog.get_logger(__name__)

BACK_SETTING = "backfill_days"
"""A connector's setting of this name is how many days back its first poll looks."""
DAY = timedelta(days=1)
SPELL = timedelta(seconds=1)
"""A worker takes step after step for so long, so that several threads find work; other duties of
the programme wait meanwhile."""
BACKLOG = 800
"""No page is added while so many documents wait for their first try: what comes live stands behind
these at most."""
NOT_YET = "Is not in the past."


class BackfillUnderway(Conflict):
    """One is underway already; it may be stopped."""

    code = "backfill_underway"


@dataclass(frozen=True, slots=True)
class BackfillView:
    """`waiting` of the `found` documents are still to be read and booked."""

    row: BackfillRow
    waiting: int

    @property
    def is_over(self) -> bool:
        return self.row.stage not in UNDERWAY

    @property
    def done(self) -> int:
        """Documents that are through, or counted so far."""
        if self.row.stage in ("counting", "counted"):
            return self.row.total
        return max(0, self.row.found - self.waiting)

    @property
    def percent(self) -> int:
        if self.row.stage in ("counting", "counted"):
            return 0
        return min(100, self.done * 100 // max(1, self.row.total))


def can(hub: Hub, row: InstallationRow) -> bool:
    """Whether the connector can list what changed since a day."""
    try:
        live = enliven(hub, row)
    except NeedsAttention:
        return False
    return live.connector.pull is not None and BACK_SETTING in live.settings


def start(
    hub: Hub, row: InstallationRow, since: datetime, *, dry: bool, author: str
) -> BackfillView:
    """Begin one, or count alone (`dry`).  One of the same day that is underway goes on.

    Raises: NotAvailable (the connector cannot), InvalidInput (no day of the past, or of a year
    in which nobody sold), BackfillUnderway (another).
    """
    now = hub.clock.now()
    if not can(hub, row):
        raise NotAvailable({"feature": "backfill"})
    if since >= now:
        raise InvalidInput({"since": [NOT_YET]})
    if since.year not in YEARS:
        raise InvalidInput({"since": [TIME_OUT_OF_RANGE]})
    new = BackfillRow(
        row.id, row.programme_id, since, dry, "counting", None, 0, 0, now, now, author
    )

    def begin(connection: Connection) -> bool:
        begun = backfills.begin(connection, new)
        if begun:
            told = {"since": since.isoformat(), "dry": dry}
            _write_down(connection, row, "backfill_started", author, now, told)
        return begun

    begun = transact(hub.engine, begin)
    found = progress(hub, row)
    assert found is not None
    if not begun and (found.row.since, found.row.dry) != (since, dry):
        raise BackfillUnderway({"since": found.row.since.isoformat()})
    hub.bell.ring(row.programme_id)
    return found


def stop(hub: Hub, row: InstallationRow, *, author: str) -> bool:
    """What is in the inbox by now is booked all the same.  False where none was underway."""
    now = hub.clock.now()

    def end(connection: Connection) -> bool:
        stopped = backfills.stop(connection, row.id, now=now)
        if stopped:
            _write_down(connection, row, "backfill_stopped", author, now, {})
        return stopped

    return transact(hub.engine, end)


def _write_down(  # noqa: PLR0913 - each is a part of the note
    connection: Connection,
    row: InstallationRow,
    action: str,
    author: str,
    now: datetime,
    told: Mapping[str, Any],
) -> None:
    subject = wire_id(row.id)
    note(connection, row.programme_id, action, subject, author=author, now=now, after=told)


def progress(hub: Hub, row: InstallationRow) -> BackfillView | None:
    """None where there never was one."""
    with read(hub.engine) as connection:
        found = backfills.get(connection, row.id)
        waiting, _ = backfills.waiting(connection, row.id)
    return None if found is None else BackfillView(found, waiting)


def go_on(hub: Hub, programme_id: int) -> bool:
    """Take the next step of one that is due in the programme; False if there is none.

    Raises: database errors; whatever else goes wrong is written down and tried again.
    """
    return _take_steps(hub, programme_id, timedelta()) > 0


def go_on_awhile(hub: Hub, programme_id: int) -> int:
    """As `go_on`, step after step of one; how many there were."""
    return _take_steps(hub, programme_id, SPELL)


def _take_steps(hub: Hub, programme_id: int, spell: timedelta) -> int:
    now = hub.clock.now()
    until = now + LEASE
    row = transact(hub.engine, lambda c: backfills.claim(c, programme_id, now=now, until=until))
    if row is None:
        return 0
    try:
        return _steps(hub, row, until, now + spell)
    except Exception as error:
        if is_away(error):
            raise
        _fail(hub, row, until, error)
    return 1


def _steps(hub: Hub, row: BackfillRow, until: datetime, ends_at: datetime) -> int:
    """Step after step of one that is claimed `until` then, by one client; 0 where it only waits for
    the inbox."""
    with read(hub.engine) as connection:
        home = installations.get(connection, row.installation_id)
    assert home is not None, "connections are never deleted"
    caller: tuple[Pull, Client] | None = None
    steps, goes_on = 0, True
    while goes_on:
        if row.stage == "booking" and _is_full(hub, row):
            _save(hub, row, until, {"due_at": hub.clock.now()}, ())
            return steps
        caller = caller or _caller(hub, enliven(hub, home), row)
        pull, client = caller
        page = pull.page(client, row.cursor, hub.clock.now())
        now = hub.clock.now()
        values = _counted(row, page, now) if row.stage == "counting" else _booked(row, page, now)
        values |= {"error_code": None, "error_text": None}
        goes_on = values["due_at"] is not None and now < ends_at
        if goes_on:
            values["due_at"] = until
        hints = page.hints if row.stage == "booking" else ()
        goes_on &= _save(hub, row, until, values, as_rows(home, hints))
        row, steps = replace(row, **values), steps + 1
    return steps


def _is_full(hub: Hub, row: BackfillRow) -> bool:
    with read(hub.engine) as connection:
        _, fresh = backfills.waiting(connection, row.installation_id)
    return fresh >= BACKLOG


def _caller(hub: Hub, live: Live, row: BackfillRow) -> tuple[Pull, Client]:
    """Raises: NotAvailable."""
    if live.connector.pull is None:
        raise NotAvailable({"feature": "backfill"})
    days = -((row.since - hub.clock.now()) // DAY)
    return live.connector.pull, live.client(**{BACK_SETTING: days})


def _save(
    hub: Hub,
    row: BackfillRow,
    until: datetime,
    values: Mapping[str, Any],
    found: Sequence[NewDelivery],
) -> bool:
    """False where it was stopped, or another worker has it by now."""
    now = hub.clock.now()

    def save(connection: Connection) -> bool:
        kept = backfills.save(connection, row.installation_id, until, **values)
        if kept:
            inbox.remind(connection, found, now=now)
        return kept

    return transact(hub.engine, save)


def _counted(row: BackfillRow, page: PullPage, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"total": row.total + len(page.hints)}
    if page.more:
        return values | {"cursor": page.cursor, "due_at": now}
    if row.dry:
        return values | {"stage": "counted", "due_at": None, "ended_at": now}
    return values | {"stage": "booking", "cursor": None, "due_at": now}


def _booked(row: BackfillRow, page: PullPage, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"found": row.found + len(page.hints), "cursor": page.cursor}
    if page.more:
        return values | {"due_at": now}
    return values | {"stage": "done", "due_at": None, "ended_at": now}


def _fail(hub: Hub, row: BackfillRow, until: datetime, error: Exception) -> None:
    """It stays where it is and tries again."""
    now = hub.clock.now()
    fate = fates.judge(error, 1, now).fate
    known = {"installation": wire_id(row.installation_id), "code": fate.error_code}
    if fate.error_code == fates.DEFECT:
        log.error("backfill_defect", **known, exc_info=error)
    else:
        log.warning("backfill_failed", **known)
    due_at = now + (RETRY_PAUSE if isinstance(error, Retry) else fates.ATTENTION_PAUSE)
    due_at = max(due_at, fate.due_at or due_at)
    values = {"due_at": due_at, "error_code": fate.error_code, "error_text": fate.error_text}
    transact(hub.engine, lambda c: backfills.save(c, row.installation_id, until, **values))
