"""What a person is to look at: refunds without a purchase, conflicts of identity, flags, coupons
that a shop does not take, files over which the work was broken off, and who wishes to be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.installations import list_installations
from hub.web.admin import flag_words, uploads, words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext
from hub.web.admin.lot_forms import by_field
from hub.web.admin.rights import own_grant
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.service import shop_coupons, to_look_at
from loyalty_core.service.members import Page
from loyalty_core.service.shops import list_shops
from loyalty_core.store.database import read, transact

_PAGE = 30

pages = Blueprint("attention", __name__, url_prefix="/attention")


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What was typed beside a row, and what is wrong with it."""

    what: Sequence[str]
    note: str
    error: str


@pages.get("/")
def index() -> ResponseReturnValue:
    """One of the lists, the newest first; or what of it somebody has looked at."""
    return _page(request.args)


@pages.post("/look")
def look() -> ResponseReturnValue:
    """Somebody has looked at it: it leaves the list, with a note."""
    note, what = request.form.get("note", "").strip(), request.form.getlist("what")
    try:
        _change(
            lambda connection: to_look_at.look_at(
                connection,
                the_programme().id,
                what,
                note,
                author=author(),
                now=the_hub().clock.now(),
                shops=own_grant().shops,
            )
        )
    except InvalidInput as error:
        wrong = next(iter(by_field(error).values()))
        return _page(request.form, _Wrong(what, note, wrong)), 422
    flash(gettext("It stands among what was looked at."), "success")
    return redirect(url_for(".index", view=request.form.get("view")))


@pages.post("/put-back")
def put_back() -> ResponseReturnValue:
    """It is to be looked at again."""
    _change(
        lambda connection: to_look_at.look_again(
            connection,
            the_programme().id,
            request.form.getlist("what"),
            author=author(),
            now=the_hub().clock.now(),
            shops=own_grant().shops,
        )
    )
    return redirect(url_for(".index", view=request.form.get("view"), seen="yes"))


def _change(work: Callable[[Connection], None]) -> None:
    transact(the_hub().engine, work)


def _lists() -> dict[str, Callable[..., Page]]:
    """Those that the person may see: a coupon is of no shop."""
    shops = own_grant().shops
    lists: dict[str, Callable[..., Page]] = {
        "receipts": partial(to_look_at.flagged_receipts, shops=shops),
        "refunds": partial(to_look_at.lost_refunds, shops=shops),
    }
    if shops is None:
        lists["coupons"] = shop_coupons.not_taken
    if uploads.may_bring_in():
        lists["files"] = _files
    return {**lists, "conflicts": to_look_at.conflicts, "erasures": to_look_at.erasures}


def _files(_: Connection, __: int, **___: object) -> Page:
    """Files over which the work was broken off again and again; one of a kind at most, which
    leaves the list when it is tried again, or left, and by no mark."""
    return Page(
        [
            {
                "name": row.name,
                "kind": row.kind,
                "began": row.began_at is not None,
                "done": row.done,
                "total": row.total,
                "at": row.changed_at.isoformat(),
                "address": url_for(f"admin.{uploads.HOMES[row.kind]}.bring_in"),
            }
            for row in uploads.given_up()
        ],
        None,
    )


def _series(connection: Connection) -> Mapping[str, str]:
    """What the rules in force call their series of coupons, by code."""
    programme = the_programme()
    plan = the_hub().plans.get(connection, programme.id, programme.rules_version)
    return {one.code: one.name for one in plan.rules.coupons}


def _page(asked: Mapping[str, str], wrong: _Wrong | None = None) -> str:
    view = asked.get("view", "")
    lists = _lists()
    view = view if view in lists else next(iter(lists))
    seen = asked.get("seen") == "yes"
    with read(the_hub().engine) as connection:
        found = lists[view](
            connection,
            the_programme().id,
            seen=seen,
            cursor=request.args.get("after"),
            limit=_PAGE,
        )
        shops = {one.code: one.name for one in list_shops(connection, the_programme().id)}
        series = _series(connection) if view == "coupons" else {}
    older = None
    if found.next_cursor:
        older = url_for(".index", view=view, seen="yes" if seen else None, after=found.next_cursor)
    names = {one.id: one.name for one in list_installations(the_hub(), the_programme().id)}
    return render_template(
        "admin/attention.html",
        view=view,
        lists=lists,
        seen=seen,
        wrong=wrong or _Wrong([], "", ""),
        most=to_look_at.MOST_NOTE,
        rows=found.items,
        older=older,
        names=names,
        shops=shops,
        series=series,
        words=words,
        flag=flag_words.flag,
    )
