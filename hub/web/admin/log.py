"""The log: who changed what and when, with what was before."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.web.admin import words
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.log_words import Teller
from hub.web.admin.sessions import signed_in_admin
from loyalty_core.service.staff import owns_all
from loyalty_core.store import audit
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire, to_wire

_PAGE = 50
_FILTERS = ("author", "action", "subject")

pages = Blueprint("log", __name__, url_prefix="/log")


@pages.get("/")
def index() -> ResponseReturnValue:
    """All, or what one person did, or one kind of change, or what befell one thing."""
    only = {name: told for name in _FILTERS if (told := request.args.get(name, "").strip())}
    after = request.args.get("after")
    with read(the_hub().engine) as connection:
        notes = audit.notes(
            connection,
            the_programme().id,
            only,
            of_the_hub=owns_all(connection, signed_in_admin().id),
            before=None if after is None else from_wire("n", after) or 0,
            limit=_PAGE + 1,
        )
    older = None
    if len(notes) > _PAGE:
        words_of = {**only, "after": to_wire("n", notes[_PAGE - 1].id)}
        older = f"{url_for('.index')}?{urlencode(words_of)}"
    return render_template(
        "admin/log.html",
        notes=notes[:_PAGE],
        only=only,
        older=older,
        words=words,
        told=Teller(),
    )
