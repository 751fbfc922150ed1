"""The first page: what stands, and what needs a person."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.installations import list_installations
from hub.web.admin import rights, uploads, words
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.sessions import signed_in_admin
from loyalty_core.domain.errors import ProgrammeNotFound
from loyalty_core.service.overview import look_over
from loyalty_core.service.programmes import waiting_draft
from loyalty_core.service.staff import grant_of, owns_all, programmes_of
from loyalty_core.store.database import read

_RECEIPTS = 10

pages = Blueprint("home", __name__)


def start() -> ResponseReturnValue:
    """GET /admin/: to the programme that was asked for, else the first."""
    wanted = request.args.get("programme")
    admin = signed_in_admin()
    with read(the_hub().engine) as connection:
        programmes = programmes_of(connection, admin.id)
        if wanted:
            programmes = [one for one in programmes if one.code == wanted]
        grant = grant_of(connection, admin.id, programmes[0].id) if programmes else None
        founder = owns_all(connection, admin.id)
    if grant is not None:
        return redirect(rights.landing(grant, programmes[0].code))
    if wanted:
        raise ProgrammeNotFound({"programme": wanted})
    if founder:
        return redirect(url_for("admin.begin"))
    return render_template("admin/no_programme.html")


@pages.get("/")
def index() -> ResponseReturnValue:
    hub, programme = the_hub(), the_programme()
    with read(hub.engine) as connection:
        overview = look_over(
            connection,
            hub.plans,
            programme,
            receipts=_RECEIPTS,
            now=hub.clock.now(),
            shops=rights.own_grant().shops,
        )
        may_publish = rights.may("programme.publish")
        waits = waiting_draft(connection, programme) if may_publish else None
    return render_template(
        "admin/home.html",
        overview=overview,
        waits=waits,
        files=uploads.given_up(),
        installations=list_installations(hub, programme.id),
        words=words,
    )
