"""People: who may do what in the programme, and links for those who are new."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from hub.web.admin import words
from hub.web.admin.authors import author
from hub.web.admin.context import the_hub, the_programme
from hub.web.admin.grant_forms import LimitUnclear, read_grant
from hub.web.admin.languages import gettext
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.staff import Role
from loyalty_core.service import safety
from loyalty_core.service import staff as service
from loyalty_core.service.shops import list_shops
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import to_wire

pages = Blueprint("people", __name__, url_prefix="/people")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed of one person, and what is wrong in which field."""

    login: str = ""
    role: str = Role.VIEWER
    day_points: str = ""
    shops: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invite(Typed):
    """The link, too, which is shown this once."""

    link: str = ""


@pages.get("/")
def index() -> ResponseReturnValue:
    return _page(Invite())


@pages.post("/invite")
def invite() -> ResponseReturnValue:
    """A link, for somebody new and for somebody with an account alike."""
    typed = Invite(_told("login"), _told("role"), _told("day_points"), _told("shops"))
    try:
        grant = read_grant()
        made = transact(
            the_hub().engine,
            lambda connection: service.invite(
                connection,
                the_programme().id,
                typed.login,
                grant,
                author=author(),
                now=the_hub().clock.now(),
            ),
        )
    except LimitUnclear:
        return _again(typed, "day_points", gettext("The limit is a number of points, or nothing."))
    except InvalidInput as error:
        shops = _shops_wrong(error)
        return _again(typed, "shops" if shops else "login", shops or _no_login())
    except service.AlreadyHere:
        return _again(
            typed, "login", gettext("This person works here: change the role in the list.")
        )
    base = the_hub().config.public_url or request.host_url
    path = url_for("admin.invitation.form", token=made.token)
    return _page(Invite(made.login, link=base.rstrip("/") + path))


@pages.post("/<login>/role")
def change(login: str) -> ResponseReturnValue:
    """Another role in this programme."""
    typed = Typed(login, _told("role"), _told("day_points"), _told("shops"))
    try:
        grant = read_grant()
        _change(
            lambda connection: service.set_post(
                connection,
                login,
                the_programme().id,
                grant,
                author=author(),
                now=the_hub().clock.now(),
            )
        )
    except LimitUnclear:
        wrong = {"day_points": gettext("The limit is a number of points, or nothing.")}
        return _page(Invite(), replace(typed, errors=wrong)), 422
    except InvalidInput as error:
        wrong = {"shops": _shops_wrong(error) or _no_login()}
        return _page(Invite(), replace(typed, errors=wrong)), 422
    return redirect(url_for(".index"))


@pages.post("/second-factor")
def ask_second_factor() -> ResponseReturnValue:
    """Which roles are let in only with a second factor."""
    told = request.form.getlist("roles")
    roles = [role for role in Role if role.value in told]
    _change(
        lambda connection: safety.ask_second_factor(
            connection, the_programme().id, roles, author=author(), now=the_hub().clock.now()
        )
    )
    return redirect(url_for(".index"))


@pages.post("/<login>/remove")
def remove(login: str) -> ResponseReturnValue:
    """The person may not enter the programme any more; the account stays."""
    _change(
        lambda connection: service.remove_post(
            connection, login, the_programme().id, author=author(), now=the_hub().clock.now()
        )
    )
    return redirect(url_for(".index"))


@pages.post("/invitations/<invitation_id>/take-back")
def take_back(invitation_id: str) -> ResponseReturnValue:
    """The link opens nothing any more."""
    _change(
        lambda connection: service.take_back_invitation(
            connection,
            the_programme().id,
            invitation_id,
            author=author(),
            now=the_hub().clock.now(),
        )
    )
    return redirect(url_for(".index"))


def _change(work: Callable[[Connection], None]) -> None:
    try:
        transact(the_hub().engine, work)
    except service.LastOwner:
        flash(_last_owner(), "danger")
    else:
        flash(gettext("Saved."), "success")


def _no_login() -> str:
    return gettext("Give a login, of at most 100 characters.")


def _shops_wrong(error: InvalidInput) -> str | None:
    """What is wrong with the shops, where that is wrong."""
    if "shops" not in error.errors:
        return None
    found = re.fullmatch(r"There is no shop (.+)\.", error.errors["shops"][0])
    if found is None:
        return gettext("An owner is not bound to shops.")
    return gettext("There is no shop %(shop)s.", shop=found.group(1))


def _last_owner() -> str:
    return gettext("The programme needs an owner: make somebody else one first.")


def _told(name: str) -> str:
    return request.form.get(name, "").strip()


def _again(typed: Invite, name: str, error: str) -> ResponseReturnValue:
    return _page(replace(typed, errors={name: error})), 422


def _page(form: Invite, changed: Typed | None = None) -> str:
    """`changed`: what was typed of somebody in the list, where something is wrong with it."""
    hub = the_hub()
    with read(hub.engine) as connection:
        people = service.list_people(connection, the_programme().id, hub.clock.now())
        asked = safety.roles_with_second_factor(connection, the_programme().id)
        shops = list_shops(connection, the_programme().id)
        factors = safety.second_factors_in(connection, the_programme().id)
    return render_template(
        "admin/people.html",
        people=people,
        form=form,
        changed=changed,
        roles=list(Role),
        asked=asked,
        shops=shops,
        factors=factors,
        id_of=lambda invitation: to_wire(service.INVITATION, invitation.id),
        words=words,
    )
