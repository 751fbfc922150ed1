"""What is a member's own, set by staff at its word: its form of reward, its lists of goods."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.languages import gettext, language
from hub.web.admin.lot_forms import read_day, told
from hub.web.sentences import field_message
from loyalty_core.domain.conditions.scene import PersonalGoods
from loyalty_core.domain.errors import InvalidInput, ListNotFound
from loyalty_core.domain.rewards import RewardForm
from loyalty_core.service import personal_lists as lists
from loyalty_core.service.choose_reward import choose_reward
from loyalty_core.service.members import MemberCard, get_member, reward_forms
from loyalty_core.store.database import read, transact

MOST_NAME = 255
_KINDS = ("sku", "category")

pages = Blueprint("member_choices", __name__, url_prefix="/members")


@pages.route("/<member_id>/reward", methods=["GET", "POST"])
def reward(member_id: str) -> ResponseReturnValue:
    """Choose what the member's purchases bring, of the forms of the rules in force."""
    hub, programme_id, error = the_hub(), the_programme().id, ""
    if request.method == "POST":
        try:
            transact(
                hub.engine,
                lambda connection: choose_reward(
                    connection,
                    hub.plans,
                    programme_id,
                    member_id,
                    told("reward") or None,
                    author=author(),
                    now=hub.clock.now(),
                ),
            )
        except InvalidInput as wrong:
            error = field_message(next(iter(wrong.errors.values()))[0], language())
        else:
            flash(gettext("Chosen. It counts from the next receipt on."), "success")
            return redirect(url_for("admin.members.show", member_id=member_id))
    member, forms = _member_with_forms(member_id)
    page = render_template("admin/member_reward.html", member=member, forms=forms, error=error)
    return page, 422 if error else 200


@pages.route("/<member_id>/lists/<own_list>/add", methods=["GET", "POST"])
def add_goods(member_id: str, own_list: str) -> ResponseReturnValue:
    """Put an article or a category into a list of the member's."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        item = _typed(errors)
        if not errors:
            _add(member_id, own_list, item, errors)
        if not errors:
            return _back(member_id, gettext("Added."))
    hub, programme_id, now = the_hub(), the_programme().id, the_hub().clock.now()
    with read(hub.engine) as connection:
        member = get_member(connection, hub.plans, programme_id, member_id, now=now)
        found = lists.member_lists(connection, hub.plans, programme_id, member_id, now=now)
    one = next((one for one in found if one.code == own_list and not one.auto), None)
    if one is None:
        raise ListNotFound
    page = render_template(
        "admin/member_goods.html",
        member=member,
        list=one,
        form=request.form,
        errors=errors,
        most=MOST_NAME,
    )
    return page, 422 if errors else 200


def _typed(errors: dict[str, str]) -> PersonalGoods:
    kind, name = told("kind"), told("name")
    if kind not in _KINDS:
        raise BadRequest
    if not 0 < len(name) <= MOST_NAME:
        errors["name"] = gettext("Write an article, or the code of a category.")
    until = read_day(errors, "until", whole=True)
    if until is not None and until <= the_hub().clock.now():
        errors["until"] = gettext("Choose a day to come.")
    return _goods(kind, name, until)


def _add(member_id: str, own_list: str, item: PersonalGoods, errors: dict[str, str]) -> None:
    hub, programme_id = the_hub(), the_programme().id
    try:
        transact(
            hub.engine,
            lambda connection: lists.add_goods(
                connection,
                hub.plans,
                programme_id,
                member_id,
                own_list,
                item,
                author=author(),
                now=hub.clock.now(),
            ),
        )
    except InvalidInput as wrong:
        errors["name"] = field_message(next(iter(wrong.errors.values()))[0], language())


@pages.post("/<member_id>/lists/<own_list>/remove")
def remove_goods(member_id: str, own_list: str) -> ResponseReturnValue:
    """Take one out of a list of the member's.  Raises: MemberNotFound, ListNotFound."""
    hub, programme_id = the_hub(), the_programme().id
    if told("kind") not in _KINDS:
        raise BadRequest
    transact(
        hub.engine,
        lambda connection: lists.remove_goods(
            connection,
            hub.plans,
            programme_id,
            member_id,
            own_list,
            _goods(told("kind"), told("name")),
            author=author(),
            now=hub.clock.now(),
        ),
    )
    return _back(member_id, gettext("Removed."))


def _goods(kind: str, name: str, until: datetime | None = None) -> PersonalGoods:
    """The list and the key follow from them."""
    return PersonalGoods("", kind, "", name, until)


def _member_with_forms(member_id: str) -> tuple[MemberCard, tuple[RewardForm, ...]]:
    """Raises: MemberNotFound."""
    hub, programme_id = the_hub(), the_programme().id
    with read(hub.engine) as connection:
        member = get_member(connection, hub.plans, programme_id, member_id, now=hub.clock.now())
        return member, reward_forms(connection, hub.plans, programme_id)


def _back(member_id: str, done: str) -> ResponseReturnValue:
    flash(done, "success")
    return redirect(url_for("admin.members.show", member_id=member_id, view="lists"))
