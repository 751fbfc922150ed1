"""Rewards: the shelf with its stock, orders, handing out by code, cancelling."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest

from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.lot_forms import by_field, told
from hub.web.admin.till_codes import NoTriesLeft, look_up, no_tries
from hub.web.sentences import detail
from loyalty_core.domain.errors import InvalidInput, LoyaltyError, OrderHandedOut
from loyalty_core.service import order_rewards, reward_shelf
from loyalty_core.service.reward_shelf import MOST_PIECES
from loyalty_core.store.database import read, transact
from loyalty_core.store.reward_orders import STATES, KeptOrder

_PAGE = 30
_WAYS = ("left", "add")

pages = Blueprint("rewards", __name__, url_prefix="/rewards")


@pages.get("/")
def index() -> ResponseReturnValue:
    return _shelf()


@pages.post("/<reward>/stock")
def stock(reward: str) -> ResponseReturnValue:
    """So many pieces came, or so many are there."""
    way, plain = told("way"), told("pieces")
    was = told("was")
    if way not in _WAYS or not _is_count(was):
        raise BadRequest
    if not _is_count(plain.removeprefix("-") if way == "add" else plain):
        return _shelf(reward, gettext("Write a whole number."))
    hub, pieces = the_hub(), int(plain)
    try:
        transact(
            hub.engine,
            lambda connection: reward_shelf.change_stock(
                connection,
                hub.plans,
                the_programme().id,
                reward,
                left=pieces if way == "left" else None,
                add=pieces if way == "add" else 0,
                was=int(was),
                author=author(),
                now=hub.clock.now(),
            ),
        )
    except InvalidInput as error:
        return _shelf(reward, next(iter(by_field(error).values())))
    flash(gettext("Saved."), "success")
    return redirect(url_for(".index"))


@pages.get("/orders")
def orders() -> ResponseReturnValue:
    """All, or those of one state, the newest first."""
    state = request.args.get("state")
    state = state if state in STATES else None
    with read(the_hub().engine) as connection:
        found = reward_shelf.list_orders(
            connection,
            the_programme().id,
            state=state,
            cursor=request.args.get("after"),
            limit=_PAGE,
        )
    older = found.next_cursor and url_for(".orders", state=state, after=found.next_cursor)
    return render_template(
        "admin/reward_orders.html", orders=found.items, state=state, older=older, words=words
    )


@pages.route("/hand-out", methods=["GET", "POST"])
def hand_out() -> ResponseReturnValue:
    """The member shows a code and gets the reward, once; wrong codes are counted."""
    done, error, status = None, "", 200

    def work(connection: Connection) -> KeptOrder:
        return order_rewards.hand_out_order(
            connection,
            the_programme().id,
            told("code"),
            author=author(),
            now=the_hub().clock.now(),
        )

    if request.method == "POST":
        try:
            done = look_up(lambda: transact(the_hub().engine, work))
        except NoTriesLeft:
            error, status = no_tries(), 429
        except LoyaltyError as refused:
            error, status = detail(refused.code, language()), 422
    page = render_template(
        "admin/reward_hand_out.html", done=done, error=error, code="" if done else told("code")
    )
    return page, status


@pages.post("/orders/<order>/cancel")
def cancel(order: str) -> ResponseReturnValue:
    """Its points and its piece come back."""
    hub = the_hub()
    try:
        transact(
            hub.engine,
            lambda connection: order_rewards.cancel_order(
                connection,
                hub.plans,
                the_programme().id,
                order,
                author=author(),
                now=hub.clock.now(),
            ),
        )
    except OrderHandedOut as error:
        flash(detail(error.code, language()), "danger")
    else:
        flash(gettext("Cancelled: the points are back on the member's account."), "success")
    return redirect(url_for(".orders"))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MOST_PIECES))


def _shelf(wrong: str = "", error: str = "") -> ResponseReturnValue:
    hub = the_hub()
    with read(hub.engine) as connection:
        shelf = reward_shelf.show_shelf(connection, hub.plans, the_programme().id)
    page = render_template(
        "admin/rewards.html", shelf=shelf, wrong=wrong, error=error, form=request.form, words=words
    )
    return page, 422 if error else 200
