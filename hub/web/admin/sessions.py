"""Sessions of the console: a signed cookie that names the account and its epoch.

A new password and a logout move the epoch on, so that a cookie which somebody copied ends too.
The price: to log out on one machine is to log out on all (ADR 0016).
"""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from flask import Flask, Request, current_app, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine

from hub.wiring import Hub
from loyalty_core.service.admins import LoginRefused, end_sessions, resume_session
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import read, write

_LIFETIME = timedelta(hours=12)


class SignedIn(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """A person with an open session, as flask-login wants to see one."""

    def __init__(self, admin: Admin) -> None:
        self.admin = admin

    def get_id(self) -> str:
        """What the cookie says: the account, and its epoch."""
        return f"{self.admin.id}.{self.admin.session_epoch}"


class _Cookies(SecureCookieSessionInterface):
    """`Secure` where the page came by https, and always where the hub is known to be behind it.

    Plain http on the shop's own machine (`make run`) must work too.
    """

    def __init__(self, *, public_https: bool) -> None:
        self._public_https = public_https

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None, an empty one, where no page of the console is asked for: it has the cookie."""
        if not request.path.startswith(self.get_cookie_path(app)):
            return None
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        return self._public_https or request.is_secure


def register(app: Flask, hub: Hub) -> None:
    """Sessions signed by the app's key, which is derived from the hub's own secret keys."""
    app.session_interface = _Cookies(public_https=hub.config.public_https)
    app.config.update(
        SESSION_COOKIE_NAME="loyalty_hub",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/admin",
        PERMANENT_SESSION_LIFETIME=_LIFETIME,
        # The API has keys instead of cookies; the console asks for the check itself.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    CSRFProtect(app)
    LoginManager(app).user_loader(lambda told: _resume(hub.engine, told))


def _resume(engine: Engine, told: str) -> SignedIn | None:
    """The person behind a cookie's "account.epoch"; None is flask-login's word for nobody."""
    account, _, epoch = told.partition(".")
    if not (account.isdecimal() and epoch.isdecimal()):
        return None
    try:
        with read(engine) as connection:
            return SignedIn(resume_session(connection, int(account), int(epoch)))
    except LoginRefused:
        return None


def check_csrf() -> None:
    """Raises: CSRFError for a change without the session's token."""
    csrf: CSRFProtect = current_app.extensions["csrf"]
    csrf.protect()


def is_signed_in() -> bool:
    return bool(current_user.is_authenticated)


def signed_in_admin() -> Admin:
    """Who is at the keyboard; only pages behind the guard may ask."""
    return cast(SignedIn, current_user).admin


def open_session(admin: Admin) -> None:
    """Begin anew: nothing of what the browser held before the password is kept."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(admin))


def end_session(engine: Engine) -> None:
    """End every session of the account, on the server; nobody's ends as well."""
    if is_signed_in():
        with write(engine) as connection:
            end_sessions(connection, signed_in_admin().id)
    logout_user()
    session.clear()


def ask_to_sign_in() -> ResponseReturnValue:
    """To the login page and back; a fragment's request takes the whole page there."""
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": url_for("admin.login.form")}
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.login.form", next=wanted))
