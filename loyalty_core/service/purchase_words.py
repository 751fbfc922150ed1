"""Several words of one purchase: what one tells and another cannot know (`ledger.md` 15, 16, 24).

A till says what was spent and how it was paid, the vendor's own copy of its receipt only what
each line was lowered by; the web shop knows the certificates, and the register that printed the
receipt does not.  Whichever comes first, what one of them tells stands (`docs/adr/0034`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from loyalty_kit.events import LineKind, Purchase, PurchaseLine, PurchaseStatus

_PARTS = ("hold", "coupons", "certificates")
_SALES = "sales"
_NOTHING: Mapping[str, Any] = {"hold": None, "coupons": (), "certificates": ()}


def complete(event: Purchase, known: Purchase) -> Purchase:
    """A cancellation need not repeat what was sold: an order deleted at the shop cannot."""
    if event.status is not PurchaseStatus.CANCELLED or event.lines:
        return event
    return replace(
        event,
        lines=known.lines,
        occurred_at=known.occurred_at,
        order=event.order or known.order,
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


def lend(
    event: Purchase, other: Purchase, by: int, lent: Mapping[str, int]
) -> tuple[Purchase, dict[str, int]]:
    """The purchase that counts with what only its other sighting tells, and who lent which part.

    `lent`: the parts that sightings lent before, by their numbers; `by`: this one's.  What it
    lent before is what it tells now; a cancelled one tells nothing.
    """
    tells = other.status is not PurchaseStatus.CANCELLED
    lent = dict(lent)
    for part in _PARTS:
        said = getattr(other, part) if tells else _NOTHING[part]
        own = getattr(event, part) and part not in lent
        if own or lent.get(part, by) != by:
            continue
        lent.pop(part, None)
        if said:
            lent[part] = by
        event = replace(event, **{part: said or _NOTHING[part]})
    lines = event.lines
    if lent.get(_SALES) == by:
        lines = tuple(replace(line, certificate=None) for line in lines)
    marked = _with_sales(lines, other.lines if tells else ())
    if marked != event.lines:
        event, lent[_SALES] = replace(event, lines=marked), by
    return event, lent


def keep_lent(
    told: Purchase, event: Purchase, before: Purchase, lent: Mapping[str, int]
) -> tuple[Purchase, dict[str, int]]:
    """A newer word with what sightings have lent, as far as it does not tell that itself.

    `told`: the word as it came; `event`: with what was filled in from the one before it, where
    what was lent stays lent.
    """
    sells = any(line.certificate is not None for line in told.lines)
    said = {part: getattr(told, part) for part in _PARTS} | {_SALES: sells}
    left = {part: by for part, by in lent.items() if not said[part]}
    parts = {part: getattr(before, part) for part in left if part != _SALES}
    if _SALES in left:
        parts["lines"] = _with_sales(event.lines, before.lines)
    return replace(event, **parts), left


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
