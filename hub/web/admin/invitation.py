"""The link of an invitation: choose a password, or say yes by the account that is there."""

from __future__ import annotations

from flask import Blueprint, Flask, flash, redirect, render_template, request
from flask import url_for as to
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from hub.passwords import MIN_LENGTH, PasswordTooShort, hash_password
from hub.web.admin import known_browsers, sessions, words
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext
from hub.wiring import Hub
from loyalty_core.service.admins import AdminExists
from loyalty_core.service.staff import (
    Invitation,
    accept_invitation,
    find_invitation,
    has_account,
    take_invitation,
)
from loyalty_core.store.database import read, transact

_PER_ADDRESS = "60 per 15 minutes"


def blueprint(app: Flask, hub: Hub) -> Blueprint:
    """GET and POST /admin/invitation/<token>; tokens are 256 bits of chance, and the limit is for
    the passwords that are hashed here."""
    limiter = Limiter(
        known_browsers.where_from,
        app=app,
        storage_uri=hub.config.redis_url or "memory://",
        in_memory_fallback_enabled=True,
        key_prefix="invitation",
    )
    pages = Blueprint("invitation", __name__, url_prefix="/invitation")
    pages.add_url_rule("/<token>", "form", form)
    pages.add_url_rule("/<token>", "join", limiter.limit(_PER_ADDRESS)(join), methods=["POST"])
    return pages


def form(token: str) -> ResponseReturnValue:
    """Who has an account signs in first, and comes back."""
    found, known = _find(token)
    if known and not sessions.is_signed_in():
        return redirect(to("admin.login.form", next=request.path))
    if known and not _is_of(found):
        flash(gettext("Log in as %(login)s to accept the invitation.", login=found.login), "danger")
        return redirect(to("admin.start"))
    return _page(found, known)


def join(token: str) -> ResponseReturnValue:
    """The account is made, or is there and says yes; the person is in, with the role."""
    found, known = _find(token)
    if known:
        return _accept(token, found)
    password, again = (request.form.get(name, "") for name in ("password", "again"))
    if password != again:
        return _page(found, known, gettext("The passwords differ.")), 422
    hub = the_hub()
    try:
        hashed = hash_password(password)
        admin = transact(
            hub.engine,
            lambda connection: take_invitation(
                connection, token, password_hash=hashed, now=hub.clock.now()
            ),
        )
    except PasswordTooShort:
        trouble = gettext("A password needs at least %(num)d characters.", num=MIN_LENGTH)
        return _page(found, known, trouble), 422
    except AdminExists:
        return redirect(request.path)
    sessions.open_session(admin)
    return redirect(to("admin.start"))


def _accept(token: str, found: Invitation) -> ResponseReturnValue:
    if not _is_of(found):
        return redirect(request.path)
    hub, admin = the_hub(), sessions.signed_in_admin()
    transact(
        hub.engine,
        lambda connection: accept_invitation(connection, token, admin, now=hub.clock.now()),
    )
    return redirect(to("admin.start"))


def _is_of(found: Invitation) -> bool:
    return sessions.is_signed_in() and sessions.signed_in_admin().login == found.login


def _find(token: str) -> tuple[Invitation, bool]:
    """The invitation, and whether the person has an account.  Raises: InvitationNotFound."""
    hub = the_hub()
    with read(hub.engine) as connection:
        found = find_invitation(connection, token, hub.clock.now())
        return found, has_account(connection, found)


def _page(found: Invitation, known: bool, trouble: str | None = None) -> str:
    return render_template(
        "admin/invitation.html",
        invitation=found,
        known=known,
        trouble=trouble,
        least=MIN_LENGTH,
        words=words,
    )
