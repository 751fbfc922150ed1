"""Versions of the rules: what differs, publishing with a second person, taking back."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.simulations import last_simulation
from hub.web.admin import rule_drafts, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.programme import pages
from hub.web.admin.rule_drafts import BASE, at_work, base_of_form
from hub.web.admin.rule_words import VERSION_STATE
from hub.web.admin.words import state
from hub.web.sentences import detail
from loyalty_core.domain.errors import (
    ApprovalNeeded,
    MainCurrencyInUse,
    VersionNotFound,
    VersionNotPublished,
    VersionPublished,
)
from loyalty_core.service import programmes as service
from loyalty_core.service.programmes import DraftMoved, RulesMoved, RulesVersion
from loyalty_core.service.rule_words import compare_rules
from loyalty_core.store.database import read, transact

__all__ = ["pages"]  # those of the programme, with the routes of this module


@pages.get("/versions/")
def versions() -> ResponseReturnValue:
    """What was in force, and the drafts, the newest first; old drafts only where asked for."""
    programme = the_programme()
    with read(the_hub().engine) as connection:
        found = service.list_rules_versions(connection, programme.id)
    every = "all" in request.args
    newest = found[0].version
    listed = [one for one in found if every or one.state == "published" or one.version == newest]
    return render_template(
        "admin/rule_versions.html",
        listed=listed,
        hidden=len(found) - len(listed),
        standing=_standing,
        in_force=programme.rules_version,
        words=words,
    )


def _standing(one: RulesVersion) -> object:
    here = the_programme().rules_version == one.version
    return state(VERSION_STATE, "in_force" if here else one.state)


@pages.get("/versions/<int(max=2147483647):version>")
def version(version: int) -> ResponseReturnValue:
    """One version: how it differs from what is in force, and what may be done with it."""
    hub, programme = the_hub(), the_programme()
    with read(hub.engine) as connection:
        found = service.list_rules_versions(connection, programme.id)
        one = next((one for one in found if one.version == version), None)
        if one is None:
            abort(404)
        came = compare_rules(connection, programme.id, None, version, locale=language())
        approval = at_work(programme.rules_version).rules.policies.approval
        last = last_simulation(hub, programme.id)
    return render_template(
        "admin/rule_version.html",
        one=one,
        standing=_standing(one),
        changes=came.changes,
        in_force=programme.rules_version,
        newest=found[0].version,
        own=one.author.casefold() == author().casefold(),
        approval=approval,
        last=last if last is not None and last.draft == version else None,
        words=words,
    )


@pages.post("/versions/<int(max=2147483647):version>/publish")
def publish(version: int) -> ResponseReturnValue:
    """Put a draft in force; where a second person is asked for, not by its author.

    The page tells what it changes: where others are in force by now, it would change something
    else.
    """
    hub, over = the_hub(), base_of_form() if BASE in request.form else None

    def work(connection: Connection) -> int:
        return service.publish_rules(
            connection,
            the_programme().id,
            version,
            over=over,
            author=author(),
            now=hub.clock.now(),
        )

    try:
        transact(hub.engine, work)
    except VersionNotFound:
        abort(404)
    except (ApprovalNeeded, MainCurrencyInUse, RulesMoved, VersionPublished) as error:
        flash(detail(error.code, language()), "danger")
    else:
        flash(gettext("Published: version %(number)s is in force.", number=version), "success")
    return redirect(url_for(".version", version=version))


@pages.post("/versions/<int(max=2147483647):version>/take-back")
def take_back(version: int) -> ResponseReturnValue:
    """What an older version says in force again, as a version of its own."""
    hub = the_hub()

    def work(connection: Connection) -> service.TakenBack:
        return service.take_back_rules(
            connection, the_programme().id, version, author=author(), now=hub.clock.now()
        )

    try:
        taken = transact(hub.engine, work)
    except VersionNotFound:
        abort(404)
    except (MainCurrencyInUse, VersionNotPublished) as error:
        flash(detail(error.code, language()), "danger")
        return redirect(url_for(".version", version=version))
    if taken.in_force:
        told = gettext(
            "Version %(number)s says what that one said, and is in force.", number=taken.version
        )
    else:
        told = gettext("Draft %(number)s waits for a second person.", number=taken.version)
    flash(told, "success")
    return redirect(url_for(".version", version=taken.version))


@pages.post("/versions/drop")
def drop_draft() -> ResponseReturnValue:
    """Changes start anew from what is in force: a draft that says the same as that."""
    try:
        rule_drafts.save(base_of_form(), at_work(the_programme().rules_version).document)
    except (DraftMoved, VersionNotFound) as error:
        flash(detail(error.code, language()), "danger")
    else:
        flash(gettext("The changes are dropped. The draft is kept among old drafts."), "success")
    return redirect(url_for(".versions"))
