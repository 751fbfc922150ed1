"""What was sent to whom, what became of it, and why something was not sent."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin import words
from hub.web.admin.context import the_hub, the_programme
from loyalty_core.service.members import name_members
from loyalty_core.store import sent_messages
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire, to_wire

_PAGE = 30

pages = Blueprint("sent", __name__, url_prefix="/messages/sent")


@pages.get("/")
def index() -> ResponseReturnValue:
    """All, or those of one kind, channel or state; the newest first.  Neither their texts nor
    where they went are kept."""
    known = {"kind": words.MESSAGE_KIND, "channel": words.MESSAGE_CHANNEL, "state": words.MESSAGE}
    told = {name: request.args.get(name, "") for name in known}
    only = {name: wanted for name, wanted in told.items() if wanted in known[name]}
    hub, programme_id = the_hub(), the_programme().id
    before = from_wire("o", request.args.get("after", ""))
    with read(hub.engine) as connection:
        found = sent_messages.page(connection, programme_id, only, before=before, limit=_PAGE + 1)
        shown = found[:_PAGE]
        numbers = {one.member_id for one in shown if one.member_id is not None}
        members = name_members(connection, hub.plans, programme_id, numbers, now=hub.clock.now())
    older = None
    if len(found) > _PAGE:
        query = urlencode({**only, "after": to_wire("o", shown[-1].id)})
        older = f"{url_for('.index')}?{query}"
    return render_template(
        "admin/sent.html",
        sent=[(one, members.get(to_wire("m", one.member_id or 0))) for one in shown],
        only=only,
        older=older,
        known=known,
        words=words,
    )
