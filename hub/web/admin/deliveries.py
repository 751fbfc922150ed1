"""Deliveries: what shops sent, what became of it, and once more."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from hub.deliveries import (
    STATES,
    DeliveryDetail,
    DeliveryNotKept,
    list_deliveries,
    replay_delivery,
    show_delivery,
)
from hub.installations import list_installations
from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext

_PAGE = 30

pages = Blueprint("deliveries", __name__, url_prefix="/deliveries")


@pages.get("/")
def index() -> ResponseReturnValue:
    """All, or those of one state or one connection; state "dead" waits for a person."""
    state = request.args.get("state")
    state = state if state in STATES else None
    connection = request.args.get("connection")
    found = list_deliveries(
        the_hub(),
        installation_id=connection,
        programme_id=the_programme().id,
        state=state,
        after=request.args.get("after"),
        limit=_PAGE,
    )
    older = None
    if found.next_cursor:
        older = url_for(".index", state=state, connection=connection, after=found.next_cursor)
    return render_template(
        "admin/deliveries.html",
        deliveries=found.items,
        connections=_names(),
        connection=connection,
        state=state,
        older=older,
        words=words,
    )


@pages.get("/<delivery_id>")
def show(delivery_id: str) -> ResponseReturnValue:
    detail = _own(delivery_id)
    name = _names().get(detail.view.installation, detail.view.installation)
    return render_template(
        "admin/delivery.html",
        delivery=detail.view,
        detail=detail,
        connection_name=name,
        words=words,
    )


@pages.post("/<delivery_id>/replay")
def replay(delivery_id: str) -> ResponseReturnValue:
    """Work on it once more; what is booked already is not booked twice."""
    detail = _own(delivery_id)
    try:
        replay_delivery(the_hub(), detail.view.id, author=author())
    except DeliveryNotKept:
        flash(gettext("What the shop sent is no longer kept, so it cannot be replayed."), "danger")
    else:
        flash(gettext("The delivery is being worked on again."), "success")
    return redirect(url_for(".show", delivery_id=detail.view.id))


def _own(delivery_id: str) -> DeliveryDetail:
    """Raises: NotFound for one of another programme too."""
    detail = show_delivery(the_hub(), delivery_id)
    if detail.view.programme_id != the_programme().id:
        raise NotFound
    return detail


def _names() -> dict[str, str]:
    """What the programme's connections are called."""
    return {one.id: one.name for one in list_installations(the_hub(), the_programme().id)}
