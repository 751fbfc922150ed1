"""A purchase that tells its refunds tells all of them (`ledger.md` 20)."""

from __future__ import annotations

from loyalty_core.service.purchase_case import Case
from loyalty_core.service.record_refund import booked_on, new_refund, take_off
from loyalty_core.store.event_words import hash_of
from loyalty_kit.events import Refund


def sync_refunds(case: Case) -> None:
    """A purchase that tells its refunds tells all of them (`ledger.md` 20)."""
    kept = case.kept
    told = kept.word.refunds
    if told is None:
        return
    listed = {refund.external_id for refund in told}
    for refund in told:
        _list_refund(case, refund)
    for one in kept.refunds:
        vanished = one.event.external_id not in listed
        if vanished and one.by_list and one.source == kept.source and one.state == "booked":
            one.state, one.changed = "withdrawn", True


def _list_refund(case: Case, refund: Refund) -> None:
    """As told by the list, unless a newer word of it is known (`ledger.md` 19)."""
    batch, kept = case.batch, case.kept
    key = (kept.programme_id, kept.source, refund.external_id)
    known = batch.known.refunds.get(key)
    if known is None:
        fresh = new_refund(batch, case.told.source, refund, by_list=True)
        fresh.state, fresh.purchase_id = "booked", kept.id
        batch.known.add_refund(key, fresh)
        kept.refunds.append(fresh)
        return
    if known not in kept.refunds:
        other = booked_on(batch, known)
        if other is not None:
            take_off(batch, known, other, case.occasion)
        known.purchase_id = kept.id
        kept.refunds.append(known)
    content = hash_of(refund)
    is_same, newer = known.content_hash == content, refund.revision - known.event.revision
    if newer > 0 or (newer == 0 and not is_same):
        known.event, known.content_hash, known.changed = refund, content, True
    if known.state != "booked" or not is_same:
        known.state, known.by_list, known.changed = "booked", True, True
