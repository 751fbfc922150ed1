"""Sessions of the console: a signed cookie that names a row, which ends on the server.

So a logout, or an end from another machine, ends a cookie that somebody copied too; a new password
moves the account's epoch on and ends them all.  Between password and second factor there is no
session yet, only a signed word on who has the password (ADR 0044).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Flask, Request, current_app, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect

from hub.web.admin.context import the_hub
from hub.wiring import Hub
from loyalty_core.domain.errors import NotFound
from loyalty_core.service import safety
from loyalty_core.service.admins import LoginRefused, find_admin
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import read, transact, write
from loyalty_core.store.ids import from_wire, to_wire

_HALF = "half"
"""In the cookie: who has given the password, at which epoch, and when."""
_HALF_LIVES = timedelta(minutes=10)


class SignedIn(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """A person with an open session, as flask-login wants to see one."""

    def __init__(self, admin: Admin, session_id: int) -> None:
        self.admin = admin
        self.session_id = session_id

    def get_id(self) -> str:
        """What the cookie says: the session, and the account's epoch."""
        return f"{to_wire(safety.SESSION, self.session_id)}.{self.admin.session_epoch}"


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
        PERMANENT_SESSION_LIFETIME=safety.LIVES,
        # The API has keys instead of cookies; the console asks for the check itself.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    CSRFProtect(app)
    LoginManager(app).user_loader(lambda told: _resume(hub, told))


def _resume(hub: Hub, told: str) -> SignedIn | None:
    """The person behind a cookie's "session.epoch"; None is flask-login's word for nobody."""
    name, _, epoch = told.partition(".")
    number, now = from_wire(safety.SESSION, name), hub.clock.now()
    if number is None or not epoch.isdecimal():
        return None
    try:
        with read(hub.engine) as connection:
            found = safety.resume_session(connection, number, int(epoch), now)
    except LoginRefused:
        return None
    if found.unseen:
        with write(hub.engine) as connection:
            safety.note_seen(connection, number, now)
    return SignedIn(found.admin, number)


def check_csrf() -> None:
    """Raises: CSRFError for a change without the session's token."""
    csrf: CSRFProtect = current_app.extensions["csrf"]
    csrf.protect()


def is_signed_in() -> bool:
    return bool(current_user.is_authenticated)


def signed_in_admin() -> Admin:
    """Who is at the keyboard; only pages behind the guard may ask."""
    return cast(SignedIn, current_user).admin


def session_id() -> int:
    """The session of this request; only pages behind the guard may ask."""
    return cast(SignedIn, current_user).session_id


def open_session(admin: Admin) -> None:
    """Begin anew: nothing of what the browser held before the password is kept."""
    hub = the_hub()
    number = transact(
        hub.engine,
        lambda connection: safety.open_session(
            connection,
            admin,
            browser=request.headers.get("User-Agent", ""),
            address=request.remote_addr or "",
            now=hub.clock.now(),
        ),
    )
    session.clear()
    session.permanent = True
    login_user(SignedIn(admin, number))


def end_session() -> None:
    """End this session, on the server; nobody's ends as well."""
    if is_signed_in():
        own = to_wire(safety.SESSION, session_id())
        with suppress(NotFound), write(the_hub().engine) as connection:
            safety.end_session(connection, signed_in_admin(), own)
    logout_user()
    session.clear()


def wait_for_code(admin: Admin) -> None:
    """The password was right; the session begins with the second factor."""
    session.clear()
    session[_HALF] = [admin.login, admin.session_epoch, the_hub().clock.now().timestamp()]


def waiting_for_code() -> Admin | None:
    """Who gave the password a moment ago and has not given the code; None: nobody."""
    told = session.get(_HALF)
    if not told:
        return None
    login, epoch, at = told
    if datetime.fromtimestamp(at, UTC) + _HALF_LIVES < the_hub().clock.now():
        return None
    with read(the_hub().engine) as connection:
        admin = find_admin(connection, login)
    return admin if admin.session_epoch == epoch else None


def ask_to_sign_in() -> ResponseReturnValue:
    """To the login page and back; a fragment's request takes the whole page there."""
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": url_for("admin.login.form")}
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.login.form", next=wanted))
