"""Partners and settlements as programs read them: money and points as decimal strings."""

from __future__ import annotations

from typing import Any

from loyalty_core.service.partners import PartnerView, Settlement
from loyalty_kit.money import format_decimal


def partner(view: PartnerView) -> dict[str, Any]:
    return {
        "code": view.code,
        "name": view.name,
        "shops": list(view.shops),
        "prices": [
            {"currency": one.currency, "price": format_decimal(one.price_minor)}
            for one in view.prices
        ],
    }


def document(found: Settlement) -> dict[str, Any]:
    return {
        "partner": found.partner.code,
        "name": found.partner.name,
        "currency": found.currency,
        "from": found.first.isoformat(),
        "until": found.last.isoformat(),
        "points": [
            {
                "currency": one.currency,
                "earned": format_decimal(one.earned_points),
                "spent": format_decimal(one.spent_points),
                "owed": format_decimal(one.owed_minor),
            }
            for one in found.points
        ],
        "rewards": [
            {
                "reward": one.reward,
                "handed_out": one.pieces,
                "currency": one.currency,
                "points": format_decimal(one.points),
                "owed": format_decimal(one.compensation_minor),
            }
            for one in found.rewards
        ],
        "partner_owes": format_decimal(found.partner_owes_minor),
        "programme_owes": format_decimal(found.programme_owes_minor),
    }
