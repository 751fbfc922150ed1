"""Purchases that several connections saw: every link, parting and joining, and what the owner
declares of connections (`ledger.md` 24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.installations import list_installations
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language, lazy_gettext
from hub.web.sentences import detail, field_message
from loyalty_core.domain.errors import InvalidInput, LoyaltyError, PurchaseNotFound
from loyalty_core.service import links as service
from loyalty_core.service.part_and_join import Decision, join_purchases, part_purchase
from loyalty_core.store.database import read, rehearse, transact

_PAGE = 30
_FIELDS: Mapping[str, Any] = {
    "": lazy_gettext("Nowhere: by fiscal signs alone"),
    "order": lazy_gettext("As the order number"),
    "external_id": lazy_gettext("As its own document number"),
}
_BY: Mapping[str, Any] = {
    "fiscal": lazy_gettext("Fiscal sign"),
    "order": lazy_gettext("Order number"),
    "person": lazy_gettext("A person"),
}
Work = Callable[[Connection], list[dict[str, Any]]]

pages = Blueprint("seen_twice", __name__, url_prefix="/seen-twice")


@pages.get("/")
def index() -> ResponseReturnValue:
    """Every link, the newest first; and which connections see each other's orders."""
    return _index_page()


def _index_page(trouble: str = "") -> ResponseReturnValue:
    programme = the_programme()
    with read(the_hub().engine) as connection:
        found = service.list_links(
            connection, programme.id, cursor=request.args.get("after"), limit=_PAGE
        )
        declared = service.declared_links(connection, programme.id)
    older = url_for(".index", after=found.next_cursor) if found.next_cursor else None
    page = render_template(
        "admin/seen_twice.html",
        rows=found.items,
        older=older,
        declared=declared,
        names=_names(),
        fields=_FIELDS,
        by=_BY,
        trouble=trouble,
        form=request.form,
        words=words,
    )
    return page, 422 if trouble else 200


@pages.route("/part/<purchase_id>", methods=["GET", "POST"])
def part(purchase_id: str) -> ResponseReturnValue:
    """Make a linked record a purchase of its own: told first what that moves."""
    plans = the_hub().plans
    return _decide(
        gettext("Part the records"),
        gettext("Parted. Each record counts by itself now."),
        lambda said: lambda c: part_purchase(c, plans, purchase_id, said),
        {"way": "part"},
    )


@pages.route("/join", methods=["GET", "POST"])
def join() -> ResponseReturnValue:
    """Make two records one purchase: told first what that moves."""
    plans, told = the_hub().plans, request.values.get
    one, other = told("one", "").strip(), told("other", "").strip()
    return _decide(
        gettext("Join two records"),
        gettext("Joined. The two records count as one purchase now."),
        lambda said: lambda c: join_purchases(c, plans, one, other, said),
        {"way": "join", "one": one, "other": other},
    )


def _decide(
    title: str, done: str, work_of: Callable[[Decision], Work], facts: Mapping[str, str]
) -> ResponseReturnValue:
    hub = the_hub()
    work = work_of(Decision(the_programme().id, author(), hub.clock.now()))
    try:
        if request.method == "POST":
            transact(hub.engine, work)
            flash(done, "success")
            return redirect(url_for(".index"))
        moved = rehearse(hub.engine, work)
    except (InvalidInput, PurchaseNotFound) as error:
        if facts["way"] == "part":
            raise
        return _index_page(_said(error))
    return render_template("admin/seen_twice_decide.html", title=title, moved=moved, **facts)


@pages.post("/declare")
def declare() -> ResponseReturnValue:
    """Orders of one connection are seen in another."""
    told, hub = request.form.get, the_hub()
    of, seen_in, truth = told("connection", ""), told("seen_in", ""), told("truth", "")
    terms = {
        "field": told("field") or None,
        "truth": {"connection": of, "seen_in": seen_in}.get(truth),
    }
    try:
        transact(
            hub.engine,
            lambda c: service.declare_link(
                c, the_programme().id, of, seen_in, terms, author=author(), now=hub.clock.now()
            ),
        )
    except InvalidInput as error:
        return _index_page(_said(error))
    flash(gettext("Saved. It holds for what comes from now on."), "success")
    return redirect(url_for(".index"))


@pages.post("/take-back")
def take_back() -> ResponseReturnValue:
    """Nothing more is linked by a declaration; what is linked stays."""
    told, hub = request.form.get, the_hub()
    try:
        transact(
            hub.engine,
            lambda c: service.take_link_back(
                c,
                the_programme().id,
                told("connection", ""),
                told("seen_in", ""),
                author=author(),
                now=hub.clock.now(),
            ),
        )
    except InvalidInput as error:
        return _index_page(_said(error))
    return redirect(url_for(".index"))


def _said(error: LoyaltyError) -> str:
    if isinstance(error, InvalidInput):
        return field_message(next(iter(error.errors.values()))[0], language())
    return detail(error.code, language())


def _names() -> dict[str, str]:
    return {one.id: one.name for one in list_installations(the_hub(), the_programme().id)}
