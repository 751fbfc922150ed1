"""What a purchase of a batch gives of memberships in clubs, as it now stands."""

from __future__ import annotations

from loyalty_core.domain.clubs import Grant, bought
from loyalty_core.service.booking import Booked
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import PurchaseStatus


def count_clubs(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> None:
    """Make its buyer's memberships follow from what is kept of it, by the rules it is rated by."""
    wanted = _wanted(batch, purchase, booked)
    if wanted or booked.joined:
        batch.clubs.set_purchase(purchase.id, batch.survivor(purchase.member_id), wanted)
    booked.joined = booked.joined or bool(wanted)


def _wanted(batch: EventBatch, purchase: KeptPurchase, booked: Booked) -> list[Grant]:
    counts = purchase.event.status is PurchaseStatus.PAID and purchase.linked_to is None
    if not counts or not booked.rules_version or batch.survivor(purchase.member_id) is None:
        return []
    clubs = [one for one in batch.plan(booked.rules_version).rules.clubs if one.skus]
    if not clubs:
        return []
    at = purchase.event.occurred_at
    return bought(clubs, purchase.lines, purchase.returned_milli, purchase.id, at)
