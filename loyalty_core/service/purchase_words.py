"""Several words of one purchase: what one tells and another cannot know (`ledger.md` 15, 16, 24).

A till says what was spent and how it was paid, the vendor's own copy of its receipt only what
each line was lowered by; the web shop knows the certificates, and the register that printed the
receipt does not.  Whichever comes first, what one of them tells stands (`docs/adr/0034`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loyalty_kit.events import LineKind, Purchase, PurchaseLine, PurchaseStatus

PointsOf = Callable[[Purchase], int]
"""Hundredths of points that a word says were spent."""
_PARTS = ("coupons", "certificates")
_OF_BEFORE: Mapping[str, Any] = {"hold": None, "coupons": (), "certificates": ()}


def complete(event: Purchase, known: Purchase) -> Purchase:
    """What a newer word leaves unsaid.  The order and the signs that were told once go on naming
    the purchase; and a cancellation need not repeat what was sold: an order deleted at the shop
    cannot."""
    signs = tuple(dict.fromkeys((*event.fiscal, *known.fiscal)))
    event = replace(event, order=event.order or known.order, fiscal=signs)
    if event.status is not PurchaseStatus.CANCELLED or event.lines:
        return event
    return replace(
        event,
        lines=known.lines,
        occurred_at=known.occurred_at,
        points_spent=known.points_spent,
        hold=known.hold,
        cart=event.cart or known.cart,
        coupons=event.coupons or known.coupons,
        certificates=event.certificates or known.certificates,
    )


def filled(event: Purchase, other: Purchase) -> Purchase:
    """With what another word of the same sender tells, where this one cannot know that itself.

    Coupons are not among it: shops that cannot tell points from discount know them well.
    """
    if all(line.reduction_minor is None for line in event.lines):
        return event
    if event.points_spent is None:
        event = replace(event, points_spent=other.points_spent)
    if event.hold or event.cart or event.certificates:
        return event
    return replace(
        event,
        hold=other.hold,
        cart=other.cart,
        certificates=other.certificates,
        lines=_with_sales(event.lines, other.lines),
    )


def together(event: Purchase, others: Iterable[Purchase], points_of: PointsOf) -> Purchase:
    """The word that counts with what only other sightings tell (`ledger.md` 24): of each part
    what the first of them tells.  A cancelled one tells nothing.

    An order that is open in one system and paid in another is paid.
    """
    for other in others:
        if other.status is PurchaseStatus.CANCELLED:
            continue
        changes: dict[str, Any] = {
            part: getattr(other, part) for part in _PARTS if not getattr(event, part)
        }
        if event.customer is None:
            changes["customer"] = other.customer
        if not points_of(event):
            changes["points_spent"] = points_of(other) or event.points_spent
        if event.status is PurchaseStatus.OPEN:
            changes["status"] = other.status
        event = replace(event, **changes, lines=_with_sales(event.lines, other.lines))
    return event


def parts_as_one(
    counting: Purchase, told: Iterable[tuple[str, Purchase]], points_of: PointsOf
) -> list[Purchase]:
    """Words by the names of their systems; those of one system that are parts of what the word
    that counts tells as one sale, each under a sign of its own, say together what they say."""
    words: dict[tuple[str, int], Purchase] = {}
    for place, (source, word) in enumerate(told):
        is_part = bool(word.fiscal) and set(word.fiscal) < set(counting.fiscal)
        key = (source, 0 if is_part else place + 1)
        known = words.get(key)
        words[key] = word if known is None else _with_part(known, word, points_of)
    return list(words.values())


def _with_part(word: Purchase, part: Purchase, points_of: PointsOf) -> Purchase:
    if not set(word.fiscal).isdisjoint(part.fiscal):
        return word
    return replace(
        word,
        customer=word.customer or part.customer,
        points_spent=points_of(word) + points_of(part),
        coupons=(*word.coupons, *(one for one in part.coupons if one not in word.coupons)),
        certificates=(*word.certificates, *part.certificates),
        fiscal=(*word.fiscal, *part.fiscal),
        lines=(*word.lines, *part.lines),
    )


def without(event: Purchase, parts: Collection[str]) -> Purchase:
    """A purchase of before, whose own word was kept together with these parts that others told."""
    bare = {part: _OF_BEFORE[part] for part in parts if part in _OF_BEFORE}
    if "sales" in parts:
        bare["lines"] = tuple(replace(line, certificate=None) for line in event.lines)
    return replace(event, **bare)


def _with_sales(
    lines: Sequence[PurchaseLine], others: Sequence[PurchaseLine]
) -> tuple[PurchaseLine, ...]:
    """Lines of the same price as certificates that another word tells to be sold are these."""
    if any(line.certificate is not None for line in lines):
        return tuple(lines)
    told = list(lines)
    for sold in (one for one in others if one.certificate is not None):
        fits = [
            one for one in told if one.amount_minor == sold.amount_minor and one.certificate is None
        ]
        if not fits:
            continue
        best = max(fits, key=lambda one: (one.id == sold.id, one.kind is LineKind.CERTIFICATE))
        marked = replace(best, kind=LineKind.CERTIFICATE, certificate=sold.certificate)
        told[told.index(best)] = marked
    return tuple(told)
