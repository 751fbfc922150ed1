"""The first page: what stands, and what needs a person."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.installations import list_installations
from hub.web.admin import words
from hub.web.admin.context import the_hub, the_programme
from loyalty_core.service.overview import look_over
from loyalty_core.service.programmes import get_programme, list_programmes
from loyalty_core.store.database import read

_RECEIPTS = 10

pages = Blueprint("home", __name__)


def start() -> ResponseReturnValue:
    """GET /admin/: to the programme that was asked for, else the first."""
    wanted = request.args.get("programme")
    with read(the_hub().engine) as connection:
        programmes = list_programmes(connection)
        if wanted:
            programmes = [get_programme(connection, wanted)]
    if not programmes:
        return render_template("admin/no_programme.html")
    return redirect(url_for("admin.home.index", programme=programmes[0].code))


@pages.get("/")
def index() -> ResponseReturnValue:
    hub, programme = the_hub(), the_programme()
    with read(hub.engine) as connection:
        overview = look_over(connection, programme.id, receipts=_RECEIPTS)
    return render_template(
        "admin/home.html",
        overview=overview,
        installations=list_installations(hub, programme.id),
        words=words,
    )
