"""A quote as the wire has it, by plain functions: a checkout waits for this.

The shape is `QuoteSchema` of the kit, and a test holds the two together.
"""

from __future__ import annotations

from typing import Any

from loyalty_kit.checkout import (
    Balance,
    Benefit,
    CertificateAnswer,
    CodeAnswer,
    Explanation,
    Gift,
    MemberView,
    Offer,
    PointsOffer,
    PricedLine,
    Quote,
    Totals,
)
from loyalty_kit.money import format_decimal, format_quantity


def quote(priced: Quote) -> dict[str, Any]:
    return {
        "id": priced.id,
        "rules_version": priced.rules_version,
        "degraded": priced.degraded,
        "valid_until": priced.valid_until.isoformat(),
        "member": None if priced.member is None else _member(priced.member),
        "lines": [_line(line) for line in priced.lines],
        "totals": _totals(priced.totals),
        "points": _points(priced.points),
        "coupons": [_code(code) for code in priced.coupons],
        "certificates": [_certificate(one) for one in priced.certificates],
        "benefits": [_benefit(benefit) for benefit in priced.benefits],
        "gifts": [_gift(gift) for gift in priced.gifts],
        "offers": [offer(one) for one in priced.offers],
        "explanation": [_explanation(told) for told in priced.explanation],
    }


def figures(balance: Balance) -> dict[str, str]:
    return {
        "available": format_decimal(balance.available),
        "pending": format_decimal(balance.pending),
        "held": format_decimal(balance.held),
        "debt": format_decimal(balance.debt),
    }


def named_figures(balance: Balance) -> dict[str, str]:
    return {**figures(balance), "currency": balance.currency}


def _member(seen: MemberView) -> dict[str, Any]:
    tier = seen.tier
    return {
        "id": seen.id,
        "name": seen.name,
        "verified": seen.verified,
        "tier": None if tier is None else {"code": tier.code, "name": tier.name},
        "balance": None if seen.balance is None else figures(seen.balance),
        "balances": [named_figures(balance) for balance in seen.balances],
    }


def _line(line: PricedLine) -> dict[str, Any]:
    unit = line.unit_price_minor
    document: dict[str, Any] = {
        "id": line.id,
        "amount": format_decimal(line.amount_minor),
        "discount": format_decimal(line.discount_minor),
        "spend": format_decimal(line.spend_minor),
        "payable": format_decimal(line.payable_minor),
        "unit_price": None if unit is None else format_decimal(unit),
        "earn": format_decimal(line.earn_points),
        "discounts": [
            {
                "promotion": discount.promotion,
                "name": discount.name,
                "amount": format_decimal(discount.amount_minor),
            }
            for discount in line.discounts
        ]
        if line.discounts
        else [],
    }
    if line.parts:
        document["parts"] = [
            {
                "quantity": format_quantity(part.quantity_milli),
                "payable": format_decimal(part.payable_minor),
                "unit_price": format_decimal(part.unit_price_minor),
            }
            for part in line.parts
        ]
    if line.barred:
        document["barred"] = line.barred
    if line.trace:
        document["trace"] = list(line.trace)
    return document


def _totals(totals: Totals) -> dict[str, str]:
    return {
        "amount": format_decimal(totals.amount_minor),
        "discount": format_decimal(totals.discount_minor),
        "spend": format_decimal(totals.spend_minor),
        "payable": format_decimal(totals.payable_minor),
        "certificates": format_decimal(totals.certificates_minor),
        "to_pay": format_decimal(totals.to_pay_minor),
    }


def _points(offer: PointsOffer) -> dict[str, Any]:
    return {
        "earn": format_decimal(offer.earn),
        "spend": format_decimal(offer.spend),
        "spend_min": format_decimal(offer.spend_min),
        "spend_max": format_decimal(offer.spend_max),
        "spend_step": format_decimal(offer.spend_step),
        "code_required": offer.code_required,
        "others": [
            {"currency": other.currency, "earn": format_decimal(other.earn)}
            for other in offer.others
        ],
    }


def _benefit(benefit: Benefit) -> dict[str, Any]:
    return {"promotion": benefit.promotion, "code": benefit.code, "name": benefit.name}


def _gift(gift: Gift) -> dict[str, str]:
    return {
        "promotion": gift.promotion,
        "sku": gift.sku,
        "name": gift.name,
        "quantity": format_quantity(gift.quantity_milli),
    }


def offer(seen: Offer) -> dict[str, Any]:
    return {
        "kind": seen.kind,
        "promotion": seen.promotion,
        "name": seen.name,
        "ends_at": None if seen.ends_at is None else seen.ends_at.isoformat(),
        "list": seen.list,
        "skus": list(seen.skus),
        "categories": list(seen.categories),
        "brands": list(seen.brands),
    }


def _code(told: CodeAnswer) -> dict[str, Any]:
    return {"code": told.code, "status": told.status, "reason": told.reason, "text": told.text}


def _certificate(told: CertificateAnswer) -> dict[str, Any]:
    left = told.left_minor
    return {
        "code": told.code,
        "status": told.status,
        "reason": told.reason,
        "text": told.text,
        "amount": format_decimal(told.amount_minor),
        "left": None if left is None else format_decimal(left),
    }


def _explanation(told: Explanation) -> dict[str, Any]:
    return {
        "promotion": told.promotion,
        "name": told.name,
        "applied": told.applied,
        "reason": told.reason,
        "facts": dict(told.facts),
        "text": told.text,
    }
