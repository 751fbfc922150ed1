"""Notes on a member: written on a page that names nobody where something is wrong with them."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import told
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service import notes as service
from loyalty_core.service.members import get_member
from loyalty_core.store.database import read, transact

pages = Blueprint("member_notes", __name__, url_prefix="/members")


@pages.route("/<member_id>/notes/new", methods=["GET", "POST"])
def write(member_id: str) -> ResponseReturnValue:
    """Write one; whoever opens the member's page reads it."""
    hub, programme_id, error = the_hub(), the_programme().id, ""
    with read(hub.engine) as connection:
        member = get_member(connection, hub.plans, programme_id, member_id, now=hub.clock.now())
    if request.method == "POST":
        try:
            transact(
                hub.engine,
                lambda connection: service.write_note(
                    connection,
                    programme_id,
                    member_id,
                    told("text").replace("\r\n", "\n"),
                    author=author(),
                    now=hub.clock.now(),
                ),
            )
        except InvalidInput:
            error = gettext("Write something, of at most 2000 characters.")
        else:
            return _back(member_id, gettext("Written."))
    page = render_template(
        "admin/member_note.html",
        member=member,
        error=error,
        text=request.form.get("text", ""),
        most=service.MOST_TEXT,
    )
    return page, 422 if error else 200


@pages.post("/<member_id>/notes/<note>/remove")
def remove(member_id: str, note: str) -> ResponseReturnValue:
    """Take one away for good.  Raises: MemberNotFound, NotFound."""
    transact(
        the_hub().engine,
        lambda connection: service.remove_note(
            connection,
            the_programme().id,
            member_id,
            note,
            author=author(),
            now=the_hub().clock.now(),
        ),
    )
    return _back(member_id, gettext("Removed."))


def _back(member_id: str, done: str) -> ResponseReturnValue:
    flash(done, "success")
    return redirect(url_for("admin.members.show", member_id=member_id, view="notes"))
