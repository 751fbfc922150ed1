"""What the hub asks for itself: changes since the last time, silent deletions, the catalogue.

Polled documents become rows of the inbox, in the transaction that saves the cursor.  So they
are fetched, retried, listed and replayed exactly as deliveries are, and nothing is lost
between a page and its cursor.  There is one row for each document, however often it is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.ingest.process import resume
from hub.live import Live, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.service import terminals
from loyalty_core.service.catalogue import count_stock, upsert_categories, upsert_products
from loyalty_core.store import documents, inbox, installations
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.inbox import NewDelivery
from loyalty_core.store.installations import AGAIN, InstallationRow
from loyalty_kit.errors import Retry
from loyalty_kit.ports import Client, Hint

log = structlog.get_logger(__name__)

Duty = Literal["pull", "recheck", "catalogue"]
Due = datetime | None
DAY = timedelta(days=1)
LEASE = timedelta(minutes=5)
"""One step of a duty may take so long; after that another worker takes it."""
RETRY_PAUSE = timedelta(minutes=1)
KNOWN_FOR = timedelta(days=30)
"""How long after its last change a document is checked for changes that left no trace."""
PORTION = 100
"""Documents in one question of a recheck."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a duty: what to save, how far the duty has come by it (columns of the
    installation), and when it is due again."""

    save: Callable[[Connection], None]
    due_at: Due
    found: int = 0
    reached: Mapping[str, str | None] = field(default_factory=dict)


def do_duty(hub: Hub, programme_id: int) -> bool:
    """One step of one duty that is due in a programme; False if there is none.

    Raises: database errors; whatever else goes wrong is shown at the installation.
    """
    return any(_claimed_step(hub, programme_id, duty) for duty in STEPS)


def _claimed_step(hub: Hub, programme_id: int, duty: Duty) -> bool:
    now = hub.clock.now()
    until = now + LEASE
    row = transact(
        hub.engine,
        lambda c: installations.claim_duty(c, programme_id, duty, now=now, until=until),
    )
    if row is None:
        return False
    try:
        step(hub, row, duty, held=until)
    except Exception as error:
        if is_away(error):
            raise
        _fail(hub, row, duty, error, until)
    return True


def step(hub: Hub, row: InstallationRow, duty: Duty, *, held: Due = None) -> int:
    """Take one step of a duty and save it; how many documents or products it brought.

    `held`: until when it was claimed.  Where it was asked for anew meanwhile, or another worker
    has it by now, how far it came is not saved: whoever has it takes that step again.

    Raises: NotLive and whatever the connector raises, with nothing saved.
    """
    live = enliven(hub, row)
    taken = STEPS[duty](hub, live, live.client())

    def save(connection: Connection) -> None:
        is_ours = held is None or installations.lock_duty(connection, row.id, duty, held)
        if row.state == "attention" and row.trouble_code not in fates.OF_ONE_DELIVERY:
            resume(row.id, hub.clock.now(), connection)
        taken.save(connection)
        if is_ours:
            changes = {**taken.reached, f"{duty}_due_at": taken.due_at}
            installations.change(connection, row.id, **changes)

    transact(hub.engine, save)
    return taken.found


def _pull(hub: Hub, live: Live, client: Client) -> Step:
    now = hub.clock.now()
    if live.connector.pull is None:
        return Step(_nothing, None)
    page = live.connector.pull.page(client, live.row.pull_cursor, now)

    def save(connection: Connection) -> None:
        inbox.remind(connection, as_rows(live.row, page.hints), now=now)
        terminals.hear(connection, live.row.id, page.heard)

    due_at = now if page.more else now + timedelta(seconds=hub.config.pull_s)
    return Step(save, due_at, len(page.hints), {"pull_cursor": page.cursor})


def _recheck(hub: Hub, live: Live, client: Client) -> Step:
    now = hub.clock.now()
    if live.connector.pull is None:
        return Step(_nothing, None)
    cursor = live.row.recheck_cursor or ""
    again, place = cursor.startswith(AGAIN), cursor.removeprefix(AGAIN)
    with read(hub.engine) as connection:
        known = documents.changed_since(
            connection,
            live.row.id,
            now - KNOWN_FOR,
            after=tuple(json.loads(place)) if place else None,
            limit=PORTION + 1,
        )
    portion = tuple(Hint(document.kind, document.ref) for document in known[:PORTION])
    changed = live.connector.pull.recheck(client, portion) if portion else ()
    more = len(known) > PORTION
    reached = None
    if more:
        reached = (AGAIN if again else "") + json.dumps([portion[-1].kind, portion[-1].id])

    def save(connection: Connection) -> None:
        inbox.remind(connection, as_rows(live.row, changed), now=now)

    due_at = now if more or again else now + DAY
    return Step(save, due_at, len(changed), {"recheck_cursor": reached})


def _catalogue(hub: Hub, live: Live, client: Client) -> Step:
    now = hub.clock.now()
    if live.connector.catalogue is None:
        return Step(_nothing, None)
    page = live.connector.catalogue.page(client, live.row.catalogue_cursor)

    def save(connection: Connection) -> None:
        programme_id = live.row.programme_id
        upsert_categories(connection, programme_id, page.categories)
        upsert_products(connection, programme_id, page.products, now=now)
        if page.stock is not None:
            skus, stock = {product.sku for product in page.products}, page.stock
            count_stock(connection, programme_id, skus, stock.shops, stock.found, now=now)
        if page.terminals is not None:
            terminals.keep_terminals(connection, live.row.id, page.terminals, now=now)
        if page.cashiers is not None:
            terminals.keep_cashiers(connection, live.row.id, page.cashiers)

    due_at = now if page.next_cursor else now + DAY
    return Step(save, due_at, len(page.products), {"catalogue_cursor": page.next_cursor})


STEPS: Mapping[Duty, Callable[[Hub, Live, Client], Step]] = {
    "pull": _pull,
    "recheck": _recheck,
    "catalogue": _catalogue,
}


def _nothing(_connection: Connection) -> None:
    """The connector has no such duty any more."""


def as_rows(row: InstallationRow, hints: Iterable[Hint]) -> list[NewDelivery]:
    """Rows of the inbox for documents of an installation that are to be read."""
    return [
        NewDelivery(
            installation_id=row.id,
            programme_id=row.programme_id,
            hook=inbox.POLLED,
            key=f"{hint.kind}:{hint.id}",
            headers={},
            body=json.dumps({"kind": hint.kind, "id": hint.id}).encode(),
        )
        for hint in dict.fromkeys(hints)
    ]


def _fail(hub: Hub, row: InstallationRow, duty: Duty, error: Exception, until: datetime) -> None:
    """Try again later, or as it was asked for anew meanwhile; show the owner what only the owner
    can mend."""
    now = hub.clock.now()
    verdict = fates.judge(error, 1, now)
    known = {"installation": wire_id(row.id), "duty": duty}
    if verdict.fate.error_code == fates.DEFECT:
        log.error("duty_defect", **known, exc_info=error)
    else:
        log.warning("duty_failed", **known, code=verdict.fate.error_code)
    due_at = now + (RETRY_PAUSE if isinstance(error, Retry) else fates.ATTENTION_PAUSE)
    if verdict.fate.due_at is not None:
        due_at = max(due_at, verdict.fate.due_at)

    def write_down(connection: Connection) -> None:
        if installations.lock_duty(connection, row.id, duty, until):
            installations.change(connection, row.id, **{f"{duty}_due_at": due_at})
        if verdict.trouble is not None:
            trouble = verdict.trouble
            installations.mark_trouble(connection, row.id, trouble.code, trouble.text)

    transact(hub.engine, write_down)
