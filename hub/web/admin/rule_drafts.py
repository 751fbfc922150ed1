"""From which version changes start, and how a change becomes a draft."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest

from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.document_forms import Errors, Options
from hub.web.admin.languages import gettext, language
from hub.web.admin.promotion_forms import options_of
from loyalty_core.domain.conditions.tell import Names
from loyalty_core.domain.pricing.declare import words_of
from loyalty_core.domain.pricing.promotion import MAIN
from loyalty_core.domain.rules import RuleSet, parse_rules
from loyalty_core.service import catalogue, partners, shops
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
    # A document without lanes has one; so it stands among those that are added.
    whole = {"lanes": [{"code": MAIN}], **document}
    return Work(chosen, programme.rules_version, whole, parse_rules(whole))


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


def saved(work: Work, draft: int) -> str:
    """What is told once something was saved."""
    if draft == work.version:
        return gettext("Nothing was changed.")
    return gettext("Saved in draft %(number)s.", number=draft)


def not_saved() -> str:
    return gettext("Nothing is saved yet: some fields need another look.")


def named_elsewhere(document: Mapping[str, Any], errors: Errors, own: Collection[str] = ()) -> str:
    """What is to be changed first, where entries of other sections name what has gone; "" where
    nothing of the kind is wrong.  `own`: sections whose errors stand beside their fields."""
    found = {}
    for path in errors:
        section, _, rest = path.partition(".")
        if section in own:
            continue
        at = rest.partition(".")[0]
        listed = document.get(section)
        one = listed[int(at)] if isinstance(listed, list) and at.isdigit() else {}
        found[section, at] = str(one.get("name") or _title(section))
    if not found:
        return ""
    names = ", ".join(dict.fromkeys(found.values()))
    return gettext("It is named elsewhere; change that first: %(names)s.", names=names)


def _title(section: str) -> str:
    """What the document calls its section."""
    titles = {word.key: word.titles[language()] for word, _ in words_of(RuleSet)}
    return titles.get(section, section)


def names(rules: RuleSet) -> Names:
    """What the codes in these rules are called."""
    with read(the_hub().engine) as connection:
        return rule_names(connection, the_programme().id, rules, locale=language())


def options(document: Mapping[str, Any]) -> Options:
    """What may be chosen in forms about this document."""
    programme_id = the_programme().id
    with read(the_hub().engine) as connection:
        known_shops = [
            (shop.code, shop.name) for shop in shops.list_shops(connection, programme_id)
        ]
        known = catalogue.list_categories(connection, programme_id)
        others = partners.list_partners(connection, programme_id)
    return {
        **options_of(document, known_shops, [(one.code, one.name) for one in known]),
        **({"partner": [(one.code, one.name) for one in others]} if others else {}),
    }
