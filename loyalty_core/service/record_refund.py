"""Goods or money go back: find the purchase, move points by share (`ledger.md` 21, 22)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from loyalty_core.domain.errors import EventConflict
from loyalty_core.domain.receipt import returned
from loyalty_core.service.booking import Booked, Moved, Occasion, rebook, standing_refunds
from loyalty_core.service.count_clubs import count_clubs
from loyalty_core.service.count_limits import count_limits
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.event_certificates import settle_certificates
from loyalty_core.service.issue_coupons import settle_issued
from loyalty_core.service.known_events import Told, key_of, says_the_same
from loyalty_core.service.receipts import EventReceipt, kept_receipt, receipt_of
from loyalty_core.service.source import Source, reaches_shop
from loyalty_core.store.event_words import hash_of
from loyalty_core.store.ids import new_id, to_wire
from loyalty_core.store.purchases import KeptPurchase
from loyalty_core.store.refunds import KeptRefund
from loyalty_kit.events import PurchaseStatus, Refund

TIME_AHEAD = "time_ahead"
NO_MATCH = "no_match"


def record_refund(batch: EventBatch, told: Told) -> EventReceipt:
    """Book one refund of a batch, or let it wait for its purchase.

    Raises: EventConflict (known revision, other content).
    """
    event = told.event
    assert isinstance(event, Refund)
    key = key_of(told.source, event)
    content = told.content
    kept = batch.known.refunds.get(key)
    if kept is None:
        kept = new_refund(batch, told.source, event, by_list=False)
        kept.content_hash = content
        if told.ahead:
            kept.flags.append(TIME_AHEAD)
        return _place(batch, told, kept)
    if event.revision < kept.event.revision:
        return _known(kept).superseded()
    if says_the_same(told, kept):
        if event.revision > kept.event.revision:
            kept.event, kept.changed = replace(kept.event, revision=event.revision), True
        return _known(kept)
    if event.revision == kept.event.revision:
        raise EventConflict({"external_id": event.external_id, "revision": str(event.revision)})
    before = kept.event
    kept.event, kept.content_hash, kept.changed = event, content, True
    purchase = _purchase_now(batch, kept, before)
    if purchase is not None:
        return book_refund(batch, kept, purchase)
    return _place(batch, told, kept)


def _purchase_now(batch: EventBatch, kept: KeptRefund, before: Refund) -> KeptPurchase | None:
    """The purchase on which a refund stood, off which it goes if it names another one by now."""
    purchase, names = booked_on(batch, kept), _names(kept.event)
    if purchase is None or names == _names(before) or not any(names):
        return purchase
    named = batch.known.purchase_of(kept.source, kept.event)
    if named is not None and batch.known.main_of(named) is batch.known.main_of(purchase):
        return purchase
    take_off(batch, kept, purchase, batch.occasion(kept.source, kept.event))
    return named


def _names(event: Refund) -> tuple[object, ...]:
    """By which it says what it is a return of."""
    return (event.purchase, event.order, event.fiscal)


def new_refund(batch: EventBatch, source: Source, event: Refund, *, by_list: bool) -> KeptRefund:
    return KeptRefund(
        new_id(batch.now),
        source.programme_id,
        source.name,
        event,
        hash_of(event),
        "waiting",
        by_list,
        None,
        batch.now,
        is_new=True,
    )


def book_refund(batch: EventBatch, kept: KeptRefund, named: KeptPurchase) -> EventReceipt:
    """Move what this refund changes of its purchase; of a sighting, of the one that counts."""
    if kept not in named.refunds:
        named.refunds.append(kept)
    kept.purchase_id, kept.state, kept.changed = named.id, "booked", True
    purchase = batch.known.main_of(named)
    moved = Moved(flags=list(kept.flags))
    _rebook(batch, purchase, kept, moved, batch.occasion(kept.source, kept.event))
    return _answer(batch, kept, "booked", purchase, moved)


def take_off(batch: EventBatch, kept: KeptRefund, named: KeptPurchase, occasion: Occasion) -> None:
    """It is of another purchase than the one on which it was booked, which gets everything back;
    from now on it waits for its own."""
    named.refunds.remove(kept)
    kept.purchase_id, kept.state, kept.changed = None, "waiting", True
    left = replace(occasion, key=f"{occasion.key}/left/{kept.id}")
    _rebook(batch, batch.known.main_of(named), kept, Moved(), left)


def _rebook(
    batch: EventBatch, purchase: KeptPurchase, kept: KeptRefund, moved: Moved, occasion: Occasion
) -> None:
    """What a purchase that counts comes to with this refund, or without it."""
    booked = Booked.of(purchase)
    desk = batch.desk(purchase, batch.plan(booked.rules_version))
    if desk is not None:
        counted = purchase.qualifying_minor
        moved.add(rebook(purchase, booked, desk, occasion))
        batch.count_purchase(purchase, booked, counted, kept.event.occurred_at)
        count_clubs(batch, purchase, booked)
        booked.keep(purchase)
    else:
        count_anonymous(purchase, moved)
    count_limits(batch, purchase, booked, moved)
    settle_issued(batch, purchase, booked)
    settle_certificates(batch, purchase, booked, moved, occasion)


def count_anonymous(purchase: KeptPurchase, moved: Moved) -> None:
    """Nobody's points move; the lines still know what came back of them."""
    back = returned(purchase.lines, standing_refunds(purchase))
    purchase.returned_milli, purchase.returned_minor = back.quantity_milli, back.money_minor
    purchase.changed = True
    moved.flag_oddities(back)


def _place(batch: EventBatch, told: Told, kept: KeptRefund) -> EventReceipt:
    event = kept.event
    named = event.purchase or event.order or event.fiscal
    purchase = batch.known.purchase_of(kept.source, event) if named else _match(batch, told, event)
    key = (kept.programme_id, kept.source, event.external_id)
    if purchase is not None:
        batch.known.refunds[key] = kept
        return book_refund(batch, kept, purchase)
    moved = Moved(flags=list(kept.flags))
    if not named:
        kept.state = "listed"
        moved.flag(NO_MATCH)
    kept.changed = True
    batch.known.add_refund(key, kept)
    return _answer(batch, kept, "waiting", None, moved)


def _match(batch: EventBatch, told: Told, refund: Refund) -> KeptPurchase | None:
    """The newest purchase of the member that has these goods for this money, in a shop that the
    sender may act for (22)."""
    member = batch.survivor(told.found.member_id)
    if member is None or not refund.lines:
        return None
    own = [
        purchase
        for purchase in batch.known.all_purchases()
        if batch.survivor(purchase.member_id) == member
        and purchase.linked_to is None
        and purchase.event.status is PurchaseStatus.PAID
        and purchase.event.occurred_at <= refund.occurred_at
    ]
    own.sort(key=lambda purchase: (purchase.event.occurred_at, purchase.id), reverse=True)
    fits = (purchase for purchase in own if _has_goods(purchase, refund))
    reached = (one for one in fits if reaches_shop(batch.connection, told.source, one.shop_id))
    return next(reached, None)


def _has_goods(purchase: KeptPurchase, refund: Refund) -> bool:
    """What the refund brings back is there by article, quantity and sum, whatever lines have it."""
    back = returned(purchase.lines, standing_refunds(purchase))
    quantity, money = Counter[str](), Counter[str]()
    for line in purchase.lines:
        if line.sku is not None:
            quantity[line.sku] += line.quantity_milli - back.quantity_milli.get(line.id, 0)
            money[line.sku] += line.paid_minor - back.money_minor.get(line.id, 0)
    for part in refund.lines:
        if part.sku is None or part.sku not in quantity:
            return False
        quantity[part.sku] -= part.quantity_milli or 0
        money[part.sku] -= part.paid_back_minor
    return min(quantity.values()) >= 0 and min(money.values()) >= 0


def booked_on(batch: EventBatch, kept: KeptRefund) -> KeptPurchase | None:
    """The purchase on which a refund stands, as it was told of it."""
    if kept.purchase_id is None:
        return None
    return next((one for one in batch.known.all_purchases() if one.id == kept.purchase_id), None)


def _known(kept: KeptRefund) -> EventReceipt:
    if not kept.booking:
        return EventReceipt(to_wire("r", kept.id), "booked", None, {}, (), created=False)
    return kept_receipt(to_wire("r", kept.id), kept.booking)


def _answer(
    batch: EventBatch,
    kept: KeptRefund,
    status: str,
    purchase: KeptPurchase | None,
    moved: Moved,
) -> EventReceipt:
    member = None if purchase is None else batch.survivor(purchase.member_id)
    receipt = receipt_of(
        to_wire("r", kept.id), status, None if member is None else to_wire("m", member), moved
    )
    kept.booking = receipt.kept()
    kept.flags = sorted(set(moved.flags))
    return receipt
