"""Deliveries, for the pages and the command line: listed, shown masked, replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.live import wire_id
from hub.wiring import Hub
from loyalty_core.domain.errors import Conflict, InvalidInput, NotFound
from loyalty_core.store import inbox, retention
from loyalty_core.store.audit import COMMAND_LINE, note
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.inbox import DeliveryRow, Which
from loyalty_kit.json_text import read_json
from loyalty_kit.redact import redact_json, redact_text

STATES = ("due", "done", "dropped", "dead")
_BODY_SHOWN = 100_000


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"


class DeliveryNotKept(Conflict):
    """Its body went with its time, or with the person whom it named: nothing to replay."""

    code = "delivery_not_kept"


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery without its body.  `result` says what was booked, by ids."""

    id: str
    installation: str
    programme_id: int
    hook: str
    state: str
    attempts: int
    received_at: datetime
    due_at: datetime
    done_at: datetime | None
    error_code: str | None
    error_text: str | None
    result: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """A delivery with what came, phones, addresses, names and secrets masked.

    `emptied_at`: since when headers and body are no longer kept.
    """

    view: DeliveryView
    headers: Mapping[str, str]
    body: str
    emptied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    items: list[DeliveryView]
    next_cursor: str | None


def list_deliveries(  # noqa: PLR0913 - filters, each by keyword
    hub: Hub,
    *,
    installation_id: str | None = None,
    programme_id: int | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> DeliveryPage:
    """The newest first, of an installation or of a programme; `after` is a page's next_cursor.

    State "dead" lists what waits for a person.

    Raises: InvalidInput (an unknown state).
    """
    if state is not None and state not in STATES:
        raise InvalidInput({"state": [f"Must be one of: {', '.join(STATES)}."]})
    installation = None if installation_id is None else (from_wire("i", installation_id) or 0)
    which = Which(installation, programme_id, state, None if after is None else _number(after))
    with read(hub.engine) as connection:
        rows = inbox.listed(connection, which, limit=limit + 1)
    items = [_view(row) for row in rows[:limit]]
    return DeliveryPage(items, items[-1].id if len(rows) > limit else None)


def show_delivery(hub: Hub, delivery_id: str) -> DeliveryDetail:
    """Raises: DeliveryNotFound."""
    row = _row(hub, delivery_id)
    with read(hub.engine) as connection:
        emptied_at = retention.emptied_at(connection, row.id)
    headers = redact_json(dict(row.headers))
    return DeliveryDetail(_view(row), headers, _masked(row.body), emptied_at)


def replay_delivery(hub: Hub, delivery_id: str, *, author: str = COMMAND_LINE) -> DeliveryView:
    """Work on it again from the beginning, soon; what is booked already is not booked twice.

    Raises: DeliveryNotFound, DeliveryNotKept.
    """
    row, now = _row(hub, delivery_id), hub.clock.now()

    def make_due(connection: Connection) -> None:
        if retention.emptied_at(connection, row.id, lock=True) is not None:
            raise DeliveryNotKept({"delivery": to_wire("d", row.id)})
        inbox.make_due(connection, row.id, now=now)
        subject = to_wire("d", row.id)
        note(connection, row.programme_id, "delivery_replayed", subject, author=author, now=now)

    transact(hub.engine, make_due)
    hub.bell.ring(row.programme_id)
    return _view(_row(hub, delivery_id))


def _number(delivery_id: str) -> int:
    return from_wire("d", delivery_id) or 0


def _row(hub: Hub, delivery_id: str) -> DeliveryRow:
    with read(hub.engine) as connection:
        row = inbox.get(connection, _number(delivery_id))
    if row is None:
        raise DeliveryNotFound
    return row


def _view(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        id=to_wire("d", row.id),
        installation=wire_id(row.installation_id),
        programme_id=row.programme_id,
        hook=row.hook,
        state=row.state,
        attempts=row.attempts,
        received_at=row.received_at,
        due_at=row.due_at,
        done_at=row.done_at,
        error_code=row.error_code,
        error_text=row.error_text,
        result=row.result,
    )


def _masked(body: bytes) -> str:
    """The body as text, laid out where it is JSON; what may be personal is masked."""
    text = body.decode("utf-8", "replace")
    try:
        shown = json.dumps(redact_json(read_json(text.encode())), ensure_ascii=False, indent=2)
    except ValueError:
        shown = redact_text(text)
    return shown[:_BODY_SHOWN]
