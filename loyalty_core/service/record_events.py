"""Book what the world says happened: purchases and refunds, in batches (`ledger.md` D).

One transaction of the caller's: claim the events by their keys, find the members, lock their
accounts, book in the order of the events' own time, write everything in sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from loyalty_core.domain.errors import BeyondCount, NotBookable
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.receipts import EventReceipt
from loyalty_core.service.record_purchase import record_purchase
from loyalty_core.service.record_refund import record_refund
from loyalty_core.service.source import Source
from loyalty_core.service.write_letters import Earned, tell_earned
from loyalty_core.store.database import is_refused
from loyalty_core.store.event_words import Words
from loyalty_kit.events import Event, Purchase
from loyalty_kit.frozen import frozen

__all__ = ["EventReceipt", "Incoming", "record_events"]


@frozen
class Incoming:
    """An event and who sent it; `words`, where it is written down already."""

    source: Source
    event: Event
    words: Words | None = None


def record_events(
    connection: Connection,
    plans: PlanCache,
    incoming: Sequence[Incoming],
    *,
    now: datetime,
) -> list[EventReceipt]:
    """Book events of one programme, all or none; the receipts come in the order given.

    The same event again gives the receipt of the first time.  A refund whose purchase is not
    known waits for it.  What does not fit is booked and flagged (`ledger.md` 14).

    Raises: EventConflict, UnknownShop, ShopForbidden, WrongCurrency, PhoneImpossible,
    BeyondCount; and NotBookable where the database refuses what one event alone would write.
    Of several it cannot be said which one it was: then its own error is raised.
    """
    if not incoming:
        return []
    try:
        return _record(connection, plans, incoming, now)
    except DBAPIError as error:
        if len(incoming) > 1 or not is_refused(error):
            raise
        raise NotBookable(_named(incoming[0])) from error


def _record(
    connection: Connection, plans: PlanCache, incoming: Sequence[Incoming], now: datetime
) -> list[EventReceipt]:
    (programme_id,) = {one.source.programme_id for one in incoming}
    batch = EventBatch(connection, plans, programme_id, now)
    told = batch.admit([(one.source, one.event, one.words) for one in incoming])
    # Refunds first at equal times: what they undo is older (`ledger.md` 25).
    order = sorted(
        range(len(told)),
        key=lambda index: (told[index].event.occurred_at, isinstance(told[index].event, Purchase)),
    )
    receipts: dict[int, EventReceipt] = {}
    for index in order:
        record = record_purchase if isinstance(told[index].event, Purchase) else record_refund
        try:
            receipts[index] = record(batch, told[index])
        except BeyondCount as error:
            raise BeyondCount(_named(incoming[index])) from error
    batch.write()
    earned = [
        Earned(receipt.id, receipt.member, receipt.points["earned"], told[index].event.occurred_at)
        for index, receipt in receipts.items()
        if receipt.created and receipt.member is not None and receipt.points["earned"] > 0
    ]
    tell_earned(connection, programme_id, earned, now=now)
    return [receipts[index] for index in range(len(told))]


def _named(one: Incoming) -> dict[str, str]:
    return {"source": one.source.name, "external_id": one.event.external_id}
