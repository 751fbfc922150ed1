"""Rules in words: what their codes are called, and how two versions differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.conditions.tell import Names
from loyalty_core.domain.difference import Change, difference
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.rules import RuleSet, parse_rules
from loyalty_core.service.programmes import get_rules, list_rules_versions
from loyalty_core.store import catalogue
from loyalty_core.store import programmes as store


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes from version `was` to version `now`."""

    was: int
    now: int
    changes: tuple[Change, ...]


def compare_rules(
    connection: Connection,
    programme_id: int,
    was: int | None = None,
    now: int | None = None,
    *,
    locale: str,
) -> Comparison:
    """The difference of two versions or drafts, in words of a language ("ru" or "en").

    None for `was` is the version in force, None for `now` the newest number.

    Raises: ProgrammeNotFound, VersionNotFound, RulesInvalid.
    """
    programme = store.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    if was is None:
        was = programme.rules_version
    if now is None:
        now = list_rules_versions(connection, programme_id)[0].version
    old, new = (parse_rules(get_rules(connection, programme_id, version)) for version in (was, now))
    names = rule_names(connection, programme_id, old, new, locale=locale)
    changes = difference(old, new, locale, names, ZoneInfo(programme.timezone))
    return Comparison(was, now, changes)


def rule_names(connection: Connection, programme_id: int, *versions: RuleSet, locale: str) -> Names:
    """What the codes in these rules are called, by the later of them where they differ: tiers,
    clubs and the like by the rules themselves, categories and shops by what the programme has."""
    categories = _named(catalogue.all_categories(connection, programme_id))
    found = {
        "categories": categories,
        "except_categories": categories,
        "shop.code": _named(store.all_shops(connection, programme_id)),
    }
    for rules in versions:
        for word, named in _own_names(rules, locale).items():
            found[word] = {**found.get(word, {}), **named}
    return found


def _own_names(rules: RuleSet, locale: str) -> Names:
    coupons, currencies = _named(rules.coupons), _named(rules.currencies)
    forms = _named(() if rules.rewards is None else rules.rewards.forms)
    lanes = {fold(one.code): one.called(locale) for one in rules.lanes}
    return {
        "member.tier": _named(rules.tiers),
        "member.club": _named(rules.clubs),
        "member.segment": _named(rules.segments),
        "member.reward": forms,
        "rewards": forms,
        "default": forms,
        "time.holiday": _named(rules.calendars),
        "personal": _named(rules.personal_lists),
        "coupon": coupons,
        "series": coupons,
        "currency": currencies,
        "never_with": {fold(one.id): one.name for one in rules.promotions},
        "lane": lanes,
        "lanes": lanes,
    }


def _named(coded: Iterable[Any]) -> dict[str, str]:
    return {fold(one.code): one.name for one in coded}
