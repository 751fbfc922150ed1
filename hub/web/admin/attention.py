"""What a person is to look at: refunds without a purchase, conflicts of identity, flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hub.installations import list_installations
from hub.web.admin import flag_words, words
from hub.web.admin.context import the_hub, the_programme
from loyalty_core.service import to_look_at
from loyalty_core.service.members import Page
from loyalty_core.store.database import read

_PAGE = 30
_LISTS: Mapping[str, Callable[..., Page]] = {
    "receipts": to_look_at.flagged_receipts,
    "refunds": to_look_at.lost_refunds,
    "conflicts": to_look_at.conflicts,
}

pages = Blueprint("attention", __name__, url_prefix="/attention")


@pages.get("/")
def index() -> ResponseReturnValue:
    """One of the lists, the newest first."""
    view = request.args.get("view", "")
    view = view if view in _LISTS else next(iter(_LISTS))
    with read(the_hub().engine) as connection:
        found = _LISTS[view](
            connection, the_programme().id, cursor=request.args.get("after"), limit=_PAGE
        )
    older = None
    if found.next_cursor:
        older = url_for(".index", view=view, after=found.next_cursor)
    names = {one.id: one.name for one in list_installations(the_hub(), the_programme().id)}
    return render_template(
        "admin/attention.html",
        view=view,
        rows=found.items,
        older=older,
        names=names,
        words=words,
        flag=flag_words.flag,
    )
