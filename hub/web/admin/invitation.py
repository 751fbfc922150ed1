"""The link of an invitation: choose a password, and be in."""

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
from loyalty_core.service.staff import find_invitation, take_invitation
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
    return _page(token)


def join(token: str) -> ResponseReturnValue:
    """The account is made, with its role, and the person is in."""
    password, again = (request.form.get(name, "") for name in ("password", "again"))
    if password != again:
        return _page(token, gettext("The passwords differ.")), 422
    hub = the_hub()
    with read(hub.engine) as connection:
        find_invitation(connection, token, hub.clock.now())  # before the slow work of hashing
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
        return _page(token, trouble), 422
    except AdminExists:
        flash(gettext("This login has an account now. Ask for the role once more."), "danger")
        return redirect(to("admin.login.form"))
    sessions.open_session(admin)
    return redirect(to("admin.start"))


def _page(token: str, trouble: str | None = None) -> str:
    """Raises: InvitationNotFound."""
    hub = the_hub()
    with read(hub.engine) as connection:
        found = find_invitation(connection, token, hub.clock.now())
    return render_template(
        "admin/invitation.html", invitation=found, trouble=trouble, least=MIN_LENGTH, words=words
    )
