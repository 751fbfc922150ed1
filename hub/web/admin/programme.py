"""The programme: what is in force, in words, and its base rules by form."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin import rule_drafts
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.document_forms import (
    Drawing,
    DrawnField,
    Errors,
    change_rows,
    read_record,
)
from hub.web.admin.languages import gettext, language
from hub.web.admin.rule_drafts import Work, at_work, base_of_form
from hub.web.sentences import detail
from loyalty_core.domain.errors import RulesInvalid
from loyalty_core.domain.rules import RuleSet
from loyalty_core.domain.tiering import ACTIONS, DAYS, SPENT, THRESHOLDS
from loyalty_core.service.programmes import DraftMoved, list_rules_versions
from loyalty_core.service.rule_words import compare_rules
from loyalty_core.store.database import read

SECTIONS = (
    "currencies",
    "earning",
    "spending",
    "tiers",
    "tiering",
    "regulated",
    "policies",
)
"""Of the document, what the form of base rules has."""

pages = Blueprint("programme", __name__, url_prefix="/programme")


@pages.get("/")
def index() -> ResponseReturnValue:
    """What is in force, and the draft that waits, if one does."""
    hub, programme = the_hub(), the_programme()
    work = at_work(programme.rules_version)
    with read(hub.engine) as connection:
        versions = list_rules_versions(connection, programme.id)
        draft = compare_rules(connection, programme.id, locale=language())
    stood = next(one for one in versions if one.version == work.version)
    shown = {one.key: one for one in _draw(work.document, {})}
    return render_template(
        "admin/programme.html",
        work=work,
        version=stood,
        shown=shown,
        steps=_ladder(work, shown["tiers"]),
        draft=draft if draft.now > work.version and draft.changes else None,
    )


def _ladder(work: Work, tiers: DrawnField) -> list[tuple[str, str, str, str]]:
    """Of each tier, lowest first: name, where it begins, what it earns, what points may pay."""
    rules = work.rules
    own = {row_key(row): {one.key: one for one in row} for row in tiers.rows}
    steps = []
    for tier in rules.tiers:
        row = own[tier.code]
        steps.append(
            (
                tier.name,
                row[THRESHOLDS[rules.tiering.by]].told,
                row["earn_percent"].told,
                row["spend_limit_percent"].told,
            )
        )
    return steps


def row_key(row: tuple[DrawnField, ...]) -> str:
    return next(one.value for one in row if one.key == "code")


@pages.route("/rules", methods=["GET", "POST"])
def rules() -> ResponseReturnValue:
    """The base rules by form; saving makes a draft, an act only changes the form."""
    if request.method == "GET":
        work = at_work()
        return _form(work.version, work.document, {})
    base = base_of_form()
    document = _typed(at_work(base).document)
    if "act" in request.form:
        return _form(base, document, {})
    try:
        draft = rule_drafts.save(base, document)
    except RulesInvalid as error:
        elsewhere = rule_drafts.named_elsewhere(document, error.errors, SECTIONS)
        return _form(base, document, error.errors, elsewhere or rule_drafts.not_saved()), 422
    except DraftMoved as error:
        return _form(base, document, {}, detail(error.code, language())), 409
    if draft == base:
        flash(gettext("Nothing was changed."), "success")
    else:
        flash(gettext("Saved as draft %(number)s.", number=draft), "success")
    return redirect(url_for(".version", version=draft))


def _typed(standing: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what was typed in the place of its base rules."""
    document = copy.deepcopy(dict(standing))
    typed = read_record(RuleSet, request.form)
    for section in SECTIONS:
        found = typed.get(section, {})
        if found or section in document:
            document[section] = found
    change_rows(document, request.form.get("act", ""))
    return document


def _form(base: int, document: Mapping[str, Any], errors: Errors, trouble: str = "") -> str:
    name = "programme_rules_form" if "HX-Request" in request.headers else "programme_rules"
    return render_template(
        f"admin/{name}.html",
        base=base,
        fields={one.key: one for one in _draw(document, errors)},
        hidden=_hidden(document),
        trouble=trouble,
    )


def _hidden(document: Mapping[str, Any]) -> set[str]:
    """Keys of fields that have no meaning as the others stand."""
    tiering = document.get("tiering", {})
    by = str(tiering.get("by", SPENT))
    hidden = {*THRESHOLDS.values()} - {THRESHOLDS.get(by)}
    hidden |= set() if by == ACTIONS else {"actions"}
    hidden |= set() if tiering.get("window") == DAYS else {"days"}
    return hidden | (set() if document.get("rewards") else {"rewards"})


def _draw(document: Mapping[str, Any], errors: Errors) -> list[DrawnField]:
    return Drawing(errors, rule_drafts.options(document)).draw(RuleSet, document)
