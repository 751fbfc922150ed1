"""Plain functions that write answers; nothing here decides anything."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hub.web.api.render_quote import figures, named_figures
from loyalty_core.domain.clubs import ClubView
from loyalty_core.domain.consents import Standing, Subject
from loyalty_core.service.club_events import EventView
from loyalty_core.service.members import MemberCard, Page
from loyalty_core.service.programmes import Programme, RulesVersion, TakenBack
from loyalty_core.service.rule_words import Comparison
from loyalty_core.service.shops import Shop
from loyalty_core.service.tier_views import TierHeld


def member(card: MemberCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "state": card.state,
        "name": card.name,
        **card.profile,
        "phone": card.phone,
        "email": card.email,
        "cards": list(card.cards),
        "externals": [{"system": known.system, "id": known.id} for known in card.externals],
        "attributes": dict(card.attributes),
        "consents": [consent(*one) for one in card.consents.items()],
        "tier": None if card.tier is None else tier_held(card.tier),
        "next_tier": None if card.next_tier is None else asdict(card.next_tier),
        "reward": None if card.reward is None else asdict(card.reward),
        "clubs": [club(one) for one in card.clubs],
        "balance": figures(card.balance),
        "balances": [named_figures(balance) for balance in card.balances],
        "created_at": card.created_at.isoformat(),
    }


def consent(subject: Subject, standing: Standing) -> dict[str, Any]:
    return {
        "purpose": subject.purpose,
        "channel": subject.channel or None,
        "given": standing.given,
        "at": standing.at.isoformat(),
        "text_version": standing.text_version,
    }


def tier_held(tier: TierHeld) -> dict[str, Any]:
    return {
        "code": tier.code,
        "name": tier.name,
        "until": None if tier.until is None else tier.until.isoformat(),
        "then": None if tier.then is None else asdict(tier.then),
        "keep": tier.keep,
        "warning": tier.warning,
    }


def club(seen: ClubView) -> dict[str, Any]:
    span = seen.span
    return {
        "code": seen.code,
        "name": seen.name,
        "from": span.starts_at.isoformat(),
        "until": None if span.until is None else span.until.isoformat(),
        "source": span.source,
    }


def event(seen: EventView) -> dict[str, Any]:
    told = seen.event
    return {
        "code": told.code,
        "name": told.name,
        "starts_at": told.starts_at.isoformat(),
        "places": told.places,
        "left": seen.left,
        "mine": seen.mine,
    }


def page(found: Page) -> dict[str, Any]:
    """A page whose entries are ready for the wire."""
    return {"items": list(found.items), "next_cursor": found.next_cursor}


def programme(found: Programme) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "currency": found.currency,
        "timezone": found.timezone,
        "rules_version": found.rules_version,
    }


def rules_version(found: RulesVersion) -> dict[str, Any]:
    published = found.published_at
    return {
        "version": found.version,
        "state": found.state,
        "author": found.author,
        "created_at": found.created_at.isoformat(),
        "published_at": None if published is None else published.isoformat(),
        "published_by": found.published_by,
    }


def comparison(found: Comparison) -> dict[str, Any]:
    return {
        "from": found.was,
        "to": found.now,
        "changes": [asdict(change) for change in found.changes],
    }


def taken_back(found: TakenBack) -> dict[str, Any]:
    return {"version" if found.in_force else "draft": found.version}


def shop(found: Shop) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "timezone": found.timezone,
        "vendor": dict(found.vendor),
    }
