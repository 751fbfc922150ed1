"""A purchase that counts for several sightings: what they tell together (`ledger.md` 24).

It follows from what each sender last said, so it is the same in whatever order they came, and a
sighting that is parted leaves nothing behind.  Whatever changes it is booked by difference.
"""

from __future__ import annotations

from dataclasses import replace

from loyalty_core.domain.pricing.allot import points_for
from loyalty_core.service.booking import Booked
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.purchase_words import parts_as_one, together, without
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Purchase, PurchaseStatus


def say(kept: KeptPurchase, word: Purchase) -> None:
    """Its own sender's newest word."""
    if kept.own is None:
        kept.event = word
    else:
        kept.own = word


def put_together(batch: EventBatch, kept: KeptPurchase) -> int | None:
    """Make a purchase that counts say what its sightings tell together; gives whose it is by
    that, None where none of them says."""
    own_member = kept.named_member
    _as_told(kept)
    batch.counters.coupons.note_sightings(("purchase", kept.id))
    if not kept.sightings:
        return batch.survivor(own_member)
    every = [kept, *kept.sightings]
    counting = batch.known.counting_of(every)
    others = [one for one in every if one is not counting]
    telling = [one for one in others if one.word.status is not PurchaseStatus.CANCELLED]
    value = batch.plan_at(counting.word.occurred_at).main.value_minor

    def points_of(word: Purchase) -> int:
        return _points_of(word, value)

    told = [(one.source, one.word) for one in telling]
    event = together(
        _in_place_of(kept.word, counting.word),
        parts_as_one(counting.word, told, points_of),
        points_of,
    )
    holds = [_hold_of(one, kept) for one in (counting, *telling)]
    kept.event = replace(event, hold=next(filter(None, holds), None))
    _count_by(kept, counting)
    named = [batch.survivor(one.named_member) for one in (counting, *telling)]
    return next((member for member in named if member is not None), None)


def _as_told(kept: KeptPurchase) -> None:
    """Its own word apart from what it says for others too, while there are any."""
    booked = Booked.of(kept)
    if booked.lent:
        if kept.own is None:
            kept.own, kept.own_member_id = without(kept.event, booked.lent), kept.member_id
        booked.lent = {}
        booked.keep(kept)
    if kept.sightings and kept.own is None:
        kept.own, kept.own_member_id = kept.event, kept.member_id
    elif not kept.sightings and kept.own is not None:
        kept.event, kept.own, kept.own_member_id = kept.own, None, None
        _count_by(kept, kept)


def _in_place_of(own: Purchase, word: Purchase) -> Purchase:
    """The word that counts, under the names that the first of them goes by."""
    return replace(
        word,
        external_id=own.external_id,
        revision=own.revision,
        order=own.order,
        cart=own.cart,
        shop=own.shop,
        fiscal=own.fiscal,
        refunds=own.refunds,
    )


def _points_of(word: Purchase, value_minor: int) -> int:
    if word.points_spent is not None:
        return word.points_spent
    return points_for(sum(line.spend_minor or 0 for line in word.lines), value_minor)


def _hold_of(one: KeptPurchase, kept: KeptPurchase) -> str | None:
    return one.word.hold if one is kept else Booked.of(one).brings


def _count_by(kept: KeptPurchase, counting: KeptPurchase) -> None:
    number = None if counting is kept else counting.id
    if kept.word_of != number:
        booked = Booked.of(kept)
        kept.word_of = booked.word_of = number
        booked.keep(kept)
