"""A simulation as programs read it: money and points as decimal strings."""

from __future__ import annotations

from typing import Any

from loyalty_core.service.simulate import Crowd, PromotionRow, Share, Side, Simulation
from loyalty_kit.money import format_decimal


def document(simulation: Simulation) -> dict[str, Any]:
    """`now` is the draft; `difference` is `now` less `was`."""
    question = simulation.question
    return {
        "draft": question.draft,
        "against": question.against,
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "receipts": simulation.receipts,
        "receipts_of_members": simulation.of_members,
        "amount": format_decimal(simulation.amount_minor),
        "amount_costed": format_decimal(simulation.costed_minor),
        **_sides(simulation),
        "promotions": [_promotion(row) for row in simulation.promotions],
        "winners": _crowd(simulation.winners),
        "losers": _crowd(simulation.losers),
    }


def _sides(simulation: Simulation) -> dict[str, Any]:
    """Where no cost is known, there is no margin to tell."""
    both = _both(_sums(simulation.was), _sums(simulation.now))
    if not simulation.costed_minor:
        both = {name: sums | {"margin": None} for name, sums in both.items()}
    return both


def _sums(side: Side) -> dict[str, int]:
    return {
        "discount": side.discount_minor,
        "points_earned": side.earned_points,
        "points_worth": side.earned_minor,
        "given": side.given_minor,
        "spend": side.spend_minor,
        "payable": side.payable_minor,
        "margin": side.margin_minor,
    }


def _promotion(row: PromotionRow) -> dict[str, Any]:
    both = _both(_parts(row.was), _parts(row.now))
    for name, share in (("was", row.was), ("now", row.now)):
        both[name] = {"receipts": share.receipts, **both[name]}
    fewer = {"receipts": row.now.receipts - row.was.receipts}
    return {"id": row.id, "name": row.name, **both, "difference": fewer | both["difference"]}


def _parts(share: Share) -> dict[str, int]:
    return {"discount": share.discount_minor, "points": share.points}


def _both(was: dict[str, int], now: dict[str, int]) -> dict[str, Any]:
    return {
        "was": _told(was),
        "now": _told(now),
        "difference": _told({name: now[name] - was[name] for name in now}),
    }


def _told(sums: dict[str, int]) -> dict[str, str]:
    return {name: format_decimal(value) for name, value in sums.items()}


def _crowd(crowd: Crowd) -> dict[str, Any]:
    return {
        "members": crowd.count,
        "sum": format_decimal(crowd.sum_minor),
        "largest": [
            {"member": member, "sum": format_decimal(more)} for member, more in crowd.largest
        ],
    }
