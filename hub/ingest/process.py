"""The job: deliveries become events, and events are booked, in batches.

A batch is claimed in a short transaction, worked on with none open, and booked in one
transaction in which its deliveries are marked done.  If that fails each delivery is booked
alone, so that one bad receipt never holds back the others (`ledger.md` 4).  What a batch tells of
people is booked after its events, by itself: no name is locked after an account.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from hub.ingest import fates
from hub.ingest.fetching import Fetched, Fetcher, Wanted, answers_in, customers_in, sort_out
from hub.ingest.inbox import as_received
from hub.ingest.lease import Lease
from hub.ingest.sealed import Outcome, Translation
from hub.live import Live, NotLive, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.service.catalogue import upsert_products
from loyalty_core.service.erase_member import EVIDENCE
from loyalty_core.service.hear_answer import Heard, hear_answer
from loyalty_core.service.learn_customers import Learnt, learn_customers
from loyalty_core.service.record_events import EventReceipt, Incoming, record_events
from loyalty_core.store import documents, inbox, installations
from loyalty_core.store.database import is_away, read, transact
from loyalty_core.store.event_words import Words
from loyalty_core.store.ids import to_wire
from loyalty_core.store.inbox import DeliveryRow
from loyalty_kit.errors import NeedsAttention, PayloadInvalid
from loyalty_kit.events import Event
from loyalty_kit.frozen import frozen
from loyalty_kit.ports import Context, CustomerRecord, Hint, InboundRequest, Product, SmsAnswer

log = structlog.get_logger(__name__)

T = TypeVar("T")
Changed = tuple[Fetched, Live]
"""A document that says something new, and of whom."""
BATCH = 100
RECHECK = "recheck"
"""A hint of this kind asks for a look at all recent documents."""


class Complaint(Exception):
    """A delivery whose own bytes say what the owner must know: `cause`."""

    def __init__(self, cause: NeedsAttention) -> None:
        super().__init__(str(cause))
        self.cause = cause


@frozen
class Parcel:
    """A delivery opened: what it says itself, and the documents that it pointed at."""

    row: DeliveryRow
    live: Live
    words: tuple[Words, ...]
    products: tuple[Product, ...]
    fetched: tuple[Fetched, ...]
    recheck: bool
    answers: tuple[SmsAnswer, ...] = ()
    customers: tuple[CustomerRecord, ...] = ()

    @property
    def tells_of_people(self) -> bool:
        fetched = any(one.customers or one.answers for one in self.fetched)
        return fetched or bool(self.customers or self.answers)

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(one.event for one in self.words)


def work_batch(hub: Hub, programme_id: int) -> int:
    """Claim and work off one batch; how many deliveries it had.

    Raises: database errors; whatever else goes wrong ends at its delivery.
    """
    lease = Lease.take(hub, programme_id, BATCH)
    if lease.rows:
        work_off(hub, lease)
    return len(lease.rows)


def work_off(hub: Hub, lease: Lease) -> None:
    """Work on claimed deliveries.  Raises: as `work_batch`."""
    rows = list(lease.rows.values())
    homes = _enlivened(hub, {row.installation_id for row in rows})
    opened = _translated(hub, rows, homes, lease)
    fetcher = Fetcher(hub, lease.keep)
    fetcher.fetch_ahead(_wanted(rows, homes, opened))
    parcels: list[Parcel] = []
    for row in rows:
        try:
            parcels.append(_open(fetcher, homes[row.installation_id], row, opened[row.id]))
        except Exception as error:
            if is_away(error):
                raise
            _fail(hub, lease.rows[row.id], error)
    if parcels:
        _book(hub, lease, parcels)
    alive = {parcel.live.row.id: parcel.live for parcel in parcels if _was_not_live(parcel.live)}
    for live in (fetcher.answered | alive).values():
        _recover(hub, live)


def _enlivened(hub: Hub, ids: set[int]) -> dict[int, Live | NotLive]:
    """The installations of a batch, each read and opened once."""
    with read(hub.engine) as connection:
        homes = installations.get_many(connection, list(ids))
    lives: dict[int, Live | NotLive] = {}
    for number, home in homes.items():
        try:
            lives[number] = enliven(hub, home)
        except NotLive as error:
            lives[number] = error
    return lives


def _translated(
    hub: Hub, rows: Sequence[DeliveryRow], homes: Mapping[int, Live | NotLive], lease: Lease
) -> dict[int, Outcome]:
    """What each delivery says by itself, by its number."""
    opened: dict[int, Outcome] = {}
    for number, live in homes.items():
        own = [row for row in rows if row.installation_id == number]
        if isinstance(live, NotLive):
            opened |= {row.id: live for row in own}
            continue
        lease.keep()
        asked = [(row, webhook) for row in own if (webhook := live.webhook(row.hook)) is not None]
        calls = [(webhook.translate, _arguments(live, row)) for row, webhook in asked]
        outcomes = [_complaint_or(outcome) for outcome in hub.cells.translate(calls)]
        opened |= {row.id: what for (row, _), what in zip(asked, outcomes, strict=True)}
        opened |= {row.id: _without_webhook(row) for row in own if row.id not in opened}
    return opened


def _arguments(live: Live, row: DeliveryRow) -> tuple[InboundRequest, Context]:
    return as_received(row.headers, row.body), Context(live.open_settings, row.received_at)


def _complaint_or(outcome: Outcome) -> Outcome:
    return Complaint(outcome) if isinstance(outcome, NeedsAttention) else outcome


def _without_webhook(row: DeliveryRow) -> Outcome:
    if row.hook != inbox.POLLED:
        return PayloadInvalid(f"The connector has no webhook {row.hook!r} any more.")
    told = json.loads(row.body)
    return Translation((Hint(kind=told["kind"], id=told["id"]),))


def _wanted(
    rows: Sequence[DeliveryRow],
    homes: Mapping[int, Live | NotLive],
    opened: Mapping[int, Outcome],
) -> list[Wanted]:
    """The documents that polling found: one of each row, whose fetch nothing else decides."""
    found: list[Wanted] = []
    for row in rows:
        live, translated = homes[row.installation_id], opened[row.id]
        if (
            row.hook != inbox.POLLED
            or isinstance(live, NotLive)
            or isinstance(translated, Exception)
        ):
            continue
        found += [
            Wanted.by(live, hint, row.received_at)
            for hint in sort_out(translated.items)[1]
            if hint.kind != RECHECK
        ]
    return found


def _open(fetcher: Fetcher, live: Live | NotLive, row: DeliveryRow, translated: Outcome) -> Parcel:
    if isinstance(live, NotLive):
        raise live
    if isinstance(translated, Exception):
        raise translated
    products, hints = sort_out(translated.items)
    followed = tuple(hint for hint in hints if hint.kind != RECHECK)
    fetched = fetcher.follow(live, followed, row.received_at)
    said = answers_in(translated.items), customers_in(translated.items)
    return Parcel(row, live, translated.words, products, tuple(fetched), followed != hints, *said)


def _book(hub: Hub, lease: Lease, parcels: Sequence[Parcel]) -> None:
    """Book together; if that fails, each alone."""
    lease.keep()
    try:
        _book_in_order(hub, lease, parcels)
    except Exception as error:
        if is_away(error):
            raise
        if len(parcels) == 1:
            if not isinstance(error, inbox.NoLongerHeld):
                _fail(hub, lease.rows[parcels[0].row.id], error)
            return
        log.info("batch_splits", count=len(parcels), error=type(error).__name__)
        for parcel in parcels:
            _book(hub, lease, [parcel])
        return
    hub.metrics.booked((parcel.row.received_at for parcel in parcels), hub.clock.now())


def _book_in_order(hub: Hub, lease: Lease, parcels: Sequence[Parcel]) -> None:
    if not any(parcel.tells_of_people for parcel in parcels):
        transact(hub.engine, partial(_book_all, hub, lease, parcels))
        return

    def held(connection: Connection, result: T) -> T:
        inbox.check_held(connection, [lease.rows[parcel.row.id] for parcel in parcels])
        return result

    told = transact(hub.engine, lambda c: held(c, _record(hub, parcels, c)))
    learnt = transact(hub.engine, lambda c: held(c, _learn(hub, parcels, c)))
    transact(hub.engine, lambda c: _settle(hub, lease, parcels, told, learnt, c))


def _book_all(hub: Hub, lease: Lease, parcels: Sequence[Parcel], connection: Connection) -> None:
    _settle(hub, lease, parcels, _record(hub, parcels, connection), {}, connection)


def _changed(fetched: Sequence[Changed]) -> list[Changed]:
    return [(one, live) for one, live in fetched if not one.unchanged]


def _record(hub: Hub, parcels: Sequence[Parcel], connection: Connection) -> dict[int, EventReceipt]:
    """What came of each event, by its identity; products are kept with them."""
    now, changed = hub.clock.now(), _changed(_each_once(parcels))
    said = [(p.live, words) for p in parcels for words in p.words]
    said += [(live, words) for one, live in changed for words in one.words]
    incoming = [Incoming(live.source, words.event, words) for live, words in said]
    receipts = record_events(connection, hub.plans, incoming, now=now) if incoming else []
    _keep_products(connection, parcels, changed, now)
    return {id(item.event): receipt for item, receipt in zip(incoming, receipts, strict=True)}


def _settle(  # noqa: PLR0913 - what was done before, each by itself
    hub: Hub,
    lease: Lease,
    parcels: Sequence[Parcel],
    told: dict[int, EventReceipt],
    learnt: dict[int, Learnt],
    connection: Connection,
) -> None:
    """Hear answers, and write down that all of it is done."""
    now, fetched = hub.clock.now(), _each_once(parcels)
    heard = _hear(connection, parcels, _changed(fetched), now)
    for known, booked_at in ((True, None), (False, now)):
        alike = [(one.asked, one.content_hash) for one, _ in fetched if one.unchanged is known]
        documents.settle_each(connection, alike, booked_at=booked_at)
    for parcel in parcels:
        if parcel.recheck:
            installations.recheck_anew(connection, parcel.live.row.id, now=now)
    results = [_result(p, told) | _heard(p, heard) | _learnt(p, learnt) for p in parcels]
    done = [(lease.rows[p.row.id], result) for p, result in zip(parcels, results, strict=True)]
    inbox.settle_done(connection, done, now=now)


def _each_once(parcels: Sequence[Parcel]) -> list[tuple[Fetched, Live]]:
    """Documents that several deliveries pointed at were fetched once and are booked once.

    In the order of their names, so that two workers lock them in one order.
    """
    found = {
        (*one.asked.document, one.asked.revision): (one, parcel.live)
        for parcel in parcels
        for one in parcel.fetched
    }
    return [found[key] for key in sorted(found)]


def _keep_products(
    connection: Connection, parcels: Sequence[Parcel], changed: Sequence[Changed], now: datetime
) -> None:
    products = [product for parcel in parcels for product in parcel.products]
    products += [product for one, _ in changed for product in one.products]
    if products:
        upsert_products(connection, parcels[0].row.programme_id, products, now=now)


def _hear(
    connection: Connection, parcels: Sequence[Parcel], changed: Sequence[Changed], now: datetime
) -> dict[int, Heard]:
    """What came of each answer, by its identity; in one order, so that members are locked in it."""
    answers = [(parcel.live, answer) for parcel in parcels for answer in parcel.answers]
    answers += [(live, answer) for one, live in changed for answer in one.answers]
    answers.sort(key=lambda pair: (pair[1].phone, pair[1].id))
    return {
        id(answer): hear_answer(
            connection,
            live.row.programme_id,
            answer.phone,
            answer.text,
            f"{live.row.connector}:{answer.id}",
            now=now,
        )
        for live, answer in answers
    }


def _learn(hub: Hub, parcels: Sequence[Parcel], connection: Connection) -> dict[int, Learnt]:
    """What came of each record of a customer, by its identity."""
    told = [(parcel.live.source, record) for parcel in parcels for record in parcel.customers]
    changed = _changed(_each_once(parcels))
    told += [(live.source, record) for one, live in changed for record in one.customers]
    keys = hub.vault.derive_all(EVIDENCE)
    learnt = learn_customers(connection, hub.plans, told, keys=keys, now=hub.clock.now())
    return {id(record): what for (_, record), what in zip(told, learnt, strict=True)}


def _learnt(parcel: Parcel, learnt: dict[int, Learnt]) -> dict[str, Any]:
    """What a person sees of records of customers: ids and what came of them, nothing personal."""
    records = [*parcel.customers, *[record for one in parcel.fetched for record in one.customers]]
    known = [learnt[id(record)] for record in records if id(record) in learnt]
    told = [{"what": one.what, "member": one.member} for one in known]
    return {"customers": told} if told else {}


def _heard(parcel: Parcel, heard: dict[int, Heard]) -> dict[str, Any]:
    """What a person sees of answers by SMS: neither whose nor what they said."""
    answers = [*parcel.answers, *[answer for one in parcel.fetched for answer in one.answers]]
    counts = Counter(heard[id(answer)] for answer in answers if id(answer) in heard)
    return {"answers": dict(counts)} if counts else {}


def _result(parcel: Parcel, told: dict[int, EventReceipt]) -> dict[str, Any]:
    """What a person sees of a delivery that was worked off: ids and states, nothing personal."""
    events = [*parcel.events, *[event for one in parcel.fetched for event in one.events]]
    booked = [(event, told[id(event)]) for event in events if id(event) in told]
    return {
        "receipts": [
            {
                "type": type(event).__name__.lower(),
                "external_id": event.external_id,
                "id": receipt.id,
                "status": receipt.status,
                "member": receipt.member,
                "flags": list(receipt.flags),
            }
            for event, receipt in booked
        ],
        "unchanged": sum(one.unchanged for one in parcel.fetched),
        "products": len(parcel.products) + sum(len(one.products) for one in parcel.fetched),
    }


def _fail(hub: Hub, row: DeliveryRow, error: Exception) -> None:
    now = hub.clock.now()
    verdict = _verdict(row, error, now)
    fate, trouble = verdict.fate, verdict.trouble
    known = {"delivery": to_wire("d", row.id), "installation": wire_id(row.installation_id)}
    if isinstance(error, fates.Defect):
        log.error("delivery_defect", **known, text=str(error), exception=error.places)
    elif fate.error_code == fates.DEFECT and not isinstance(error, fates.Postponed):
        log.error("delivery_defect", **known, exc_info=error)
    else:
        log.warning("delivery_failed", **known, code=fate.error_code, state=fate.state)

    def write_down(connection: Connection) -> None:
        inbox.settle(connection, row, fate, now=now)
        if trouble is not None:
            installations.mark_trouble(connection, row.installation_id, trouble.code, trouble.text)

    transact(hub.engine, write_down)
    hub.metrics.deliveries_worked.labels(fate.state if fate.state != "due" else "again").inc()


def _verdict(row: DeliveryRow, error: Exception, now: datetime) -> fates.Verdict:
    if isinstance(error, fates.Postponed):
        return fates.Verdict(fates.postponed(error.cause, now))
    if isinstance(error, Complaint):
        return fates.judge_bytes(error.cause)
    return fates.judge(error, row.attempts, now)


def _was_not_live(live: Live) -> bool:
    return live.row.trouble_code == NotLive.code


def _recover(hub: Hub, live: Live) -> None:
    """What was wrong with the installation as a whole is over: its work goes on."""
    row = live.row
    if row.state != "attention" or row.trouble_code in fates.OF_ONE_DELIVERY:
        return
    transact(hub.engine, partial(resume, row.id, hub.clock.now()))


def resume(installation_id: int, now: datetime, connection: Connection) -> None:
    """Clear an installation's trouble; what waited is due now, and polling covers the gap."""
    if installations.clear_trouble(connection, installation_id):
        inbox.resume(connection, installation_id, now=now)
        installations.hurry(connection, installation_id, "pull", now=now)
