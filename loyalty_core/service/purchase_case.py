"""One purchase while it is being booked, by a word of its own sender or of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from loyalty_core.service.booking import Booked, Moved, Occasion
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.known_events import Told
from loyalty_core.service.source import Source
from loyalty_core.store import programmes
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Purchase, PurchaseStatus


@dataclass(slots=True)
class Case:
    """One purchase while it is being booked; `named`: whose it is by what is told of it."""

    batch: EventBatch
    told: Told
    kept: KeptPurchase
    booked: Booked
    moved: Moved
    before: Purchase | None
    occasion: Occasion
    named: int | None = None

    @property
    def retimed(self) -> bool:
        return self.before is not None and self.before.occurred_at != self.kept.event.occurred_at

    @property
    def was_paid(self) -> bool:
        return self.before is not None and self.before.status is PurchaseStatus.PAID

    @property
    def told_paid_at(self) -> datetime | None:
        """When the hub was told so; None where it was not, before this word."""
        if self.booked.told_paid_at is not None:
            return self.booked.told_paid_at
        return self.kept.received_at if self.was_paid else None

    def keep(self) -> None:
        """Note with the purchase what is booked of it, with what was flagged meanwhile."""
        is_paid = self.kept.event.status is PurchaseStatus.PAID
        if self.before is not None and is_paid and self.told_paid_at is None:
            self.booked.told_paid_at = self.batch.now
        self.booked.keep(self.kept)
        self.kept.flags = sorted({*self.kept.flags, *self.moved.flags})


def case_of(batch: EventBatch, kept: KeptPurchase, key: str, occasion: Occasion) -> Case:
    """A known purchase of which something else than its own sender tells."""
    shop = programmes.shop_code(batch.connection, kept.shop_id)
    source = Source(batch.programme.id, kept.source, default_shop=shop, lenient=True)
    told = Told(source, kept.event, kept.content_hash)
    changed = replace(occasion, key=key)
    return Case(batch, told, kept, Booked.of(kept), Moved(), kept.event, changed)
