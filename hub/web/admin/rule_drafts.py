"""From which version changes start, and how a change becomes a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest

from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.document_forms import Options
from hub.web.admin.promotion_forms import options_of
from loyalty_core.domain.conditions.tell import Names
from loyalty_core.domain.rules import RuleSet, parse_rules
from loyalty_core.service import catalogue, shops
from loyalty_core.service.programmes import get_rules, newest_rules, revise_rules
from loyalty_core.service.rule_words import rule_names
from loyalty_core.store.database import read, transact

BASE = "base"
"""Of each form: the version that it was filled from."""


@dataclass(frozen=True, slots=True)
class Work:
    """The version at hand: a draft that waits, or what is in force."""

    version: int
    in_force: int
    document: Mapping[str, Any]
    rules: RuleSet

    @property
    def is_draft(self) -> bool:
        return self.version != self.in_force


def at_work(version: int | None = None) -> Work:
    """None: the version from which changes start.  Raises: VersionNotFound."""
    programme = the_programme()
    with read(the_hub().engine) as connection:
        chosen = newest_rules(connection, programme.id) if version is None else version
        document = get_rules(connection, programme.id, chosen)
    return Work(chosen, programme.rules_version, document, parse_rules(document))


def base_of_form() -> int:
    """The version that the form which was sent was filled from.  Raises: BadRequest."""
    told = request.form.get(BASE, "")
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise BadRequest
    return int(told)


def save(base: int, document: Mapping[str, Any]) -> int:
    """The number of the draft.  Raises: RulesInvalid, DraftMoved, VersionNotFound."""
    hub = the_hub()

    def work(connection: Connection) -> int:
        return revise_rules(
            connection,
            the_programme().id,
            base,
            document,
            author=author(),
            now=hub.clock.now(),
        )

    return transact(hub.engine, work)


def names(rules: RuleSet) -> Names:
    """What the codes in these rules are called."""
    with read(the_hub().engine) as connection:
        return rule_names(connection, the_programme().id, rules)


def options(document: Mapping[str, Any]) -> Options:
    """What may be chosen in forms about this document."""
    programme_id = the_programme().id
    with read(the_hub().engine) as connection:
        known_shops = [
            (shop.code, shop.name) for shop in shops.list_shops(connection, programme_id)
        ]
        known = catalogue.list_categories(connection, programme_id)
    return options_of(document, known_shops, [(one.code, one.name) for one in known])
