"""A purchase is a fact: the shop's lines stand, what does not fit is flagged (`ledger.md` 14).

The first report books it; a later revision, a repeated report or a list of refunds changes
what is booked by difference (`ledger.md` 19, 20).
"""

from __future__ import annotations

from dataclasses import replace

from loyalty_core.domain.errors import EventConflict
from loyalty_core.service import brought_in
from loyalty_core.service.book_purchase import book_purchase
from loyalty_core.service.booking import Booked, Moved
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.known_events import NOBODY, Told, key_of, says_the_same
from loyalty_core.service.link_purchases import link, see, tell_first
from loyalty_core.service.listed_refunds import sync_refunds
from loyalty_core.service.purchase_case import Case
from loyalty_core.service.purchase_words import complete, filled
from loyalty_core.service.receipts import EventReceipt, kept_receipt, receipt_of
from loyalty_core.service.record_refund import book_refund
from loyalty_core.service.sightings import say
from loyalty_core.store.ids import new_id, to_wire
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Purchase, PurchaseStatus

TIME_AHEAD = "time_ahead"


def record_purchase(batch: EventBatch, told: Told) -> EventReceipt:
    """Book one purchase of a batch.

    Raises: EventConflict (known revision, other content).
    """
    event = told.event
    assert isinstance(event, Purchase)
    content = told.content
    kept = batch.known.purchases.get(key_of(told.source, event))
    if kept is None:
        return _book(batch, told, _new(batch, told, content), None)
    receipt = kept_receipt(to_wire("p", kept.id), Booked.of(kept).answer)
    if event.revision < kept.word.revision:
        return _fill(batch, told, kept) or receipt.superseded()
    if says_the_same(told, kept):
        if event.revision > kept.word.revision:
            _note_booked(kept, kept.word.revision)
            say(kept, replace(kept.word, revision=event.revision))
            kept.changed = True
        return receipt
    if event.revision == kept.word.revision:
        raise EventConflict({"external_id": event.external_id, "revision": str(event.revision)})
    before = kept.event
    _note_booked(kept, kept.word.revision)
    say(kept, filled(complete(event, kept.word), kept.word))
    batch.known.name(kept)
    kept.content_hash, kept.changed = content, True
    kept.shop_id = batch.shop(told.source, event.shop).id
    return _book(batch, told, kept, before)


def attach_purchase(batch: EventBatch, told: Told) -> EventReceipt:
    """Book a known purchase for the member who it turned out to be of (`ledger.md` 12)."""
    kept = batch.known.purchases[key_of(told.source, told.event)]
    kept.changed = True
    return _book(batch, told, kept, kept.event)


def _fill(batch: EventBatch, told: Told, kept: KeptPurchase) -> EventReceipt | None:
    """Book what an older word tells and the newer one cannot; None where that is nothing, or it
    was booked before."""
    assert isinstance(told.event, Purchase)
    before, word, older = kept.event, kept.word, told.event
    known = filled(word, older)
    if known == word or older.revision in Booked.of(kept).superseded:
        return None
    _note_booked(kept, older.revision)
    say(kept, replace(known, hold=word.hold or older.hold, cart=word.cart or older.cart))
    kept.changed = True
    if kept.named_member is not None:
        told.found = NOBODY
    return _book(batch, told, kept, before)


def _note_booked(kept: KeptPurchase, revision: int) -> None:
    """A word that was booked is superseded by now: it is told again in vain (`ledger.md` 19)."""
    booked = Booked.of(kept)
    booked.superseded = (*booked.superseded, revision)
    booked.keep(kept)


def _new(batch: EventBatch, told: Told, content: str) -> KeptPurchase:
    event = told.event
    assert isinstance(event, Purchase)
    kept = KeptPurchase(
        new_id(batch.now),
        told.source.programme_id,
        told.source.name,
        event,
        content,
        batch.shop(told.source, event.shop).id,
        None,
        batch.now,
        event.lines,
        words=told.words,
        is_new=True,
    )
    batch.known.add(kept)
    return kept


def _book(
    batch: EventBatch, told: Told, kept: KeptPurchase, before: Purchase | None
) -> EventReceipt:
    moved = Moved(flags=list(told.found.flags))
    # An older word that fills the newer one books under its own number.
    event = kept.word
    if event.revision != told.event.revision:
        event = replace(event, revision=told.event.revision)
    occasion = batch.occasion(told.source.name, event)
    case = Case(batch, told, kept, Booked.of(kept), moved, before, occasion)
    if told.ahead:
        case.moved.flag(TIME_AHEAD)
    sync_refunds(case)
    linked = link(case)
    _name(case)
    if kept.linked_to is None:
        book_purchase(case)
        if kept.is_new and batch.was_brought_in(kept):
            case.moved.flag(brought_in.FLAG)
    else:
        see(case)
        tell_first(case, linked=linked)
    receipt = _answer(case)
    _book_waiting(batch, kept)
    return receipt


def _name(case: Case) -> None:
    """Whose it is by this sender; what counts is of whom its sightings say together."""
    batch, kept = case.batch, case.kept
    found = batch.survivor(case.told.found.member_id)
    if kept.linked_to is not None:
        kept.member_id = found or kept.member_id
    elif kept.sightings:
        if kept.own is None:
            kept.own, kept.own_member_id = kept.event, kept.member_id
        kept.own_member_id = found or kept.own_member_id
    case.named = found


def _answer(case: Case) -> EventReceipt:
    kept = case.kept
    status = "booked" if kept.event.status is PurchaseStatus.PAID else kept.event.status.value
    member = case.batch.survivor(case.batch.known.main_of(kept).member_id)
    wire = None if member is None else to_wire("m", member)
    receipt = receipt_of(to_wire("p", kept.id), status, wire, case.moved)
    case.booked.answer = receipt.kept()
    case.keep()
    return receipt


def _book_waiting(batch: EventBatch, kept: KeptPurchase) -> None:
    """Refunds that came first book on the purchase that counts (`ledger.md` 22, 24)."""
    for waiting in batch.known.waiting_for(kept):
        named = batch.known.purchase_of(waiting.source, waiting.event)
        assert named is not None
        book_refund(batch, waiting, named)
