"""The way in: login, password, the second factor of those who have one; and a limit on guessing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps

from flask import (
    Blueprint,
    Flask,
    Response,
    after_this_request,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import url_for as to
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter, RequestLimit

from hub import second_factor
from hub.passwords import password_fits
from hub.web.admin import known_browsers, sessions
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext, ngettext
from hub.web.admin.links import inside
from hub.wiring import Hub
from loyalty_core.service.admins import LoginRefused, check_login
from loyalty_core.service.safety import SecondFactorWrong, TooManyTries, second_factor_of
from loyalty_core.store.admins import Admin
from loyalty_core.store.database import read, transact

_PER_LOGIN = "10 per 15 minutes"
_PER_ADDRESS = "30 per 15 minutes"
_REFUSED = 401
_TOO_MANY = 429
_MINUTE = timedelta(minutes=1)


def blueprint(app: Flask, hub: Hub) -> Blueprint:
    """GET and POST /admin/login and /admin/login/code, POST /admin/logout."""
    limiter = _limiter(app, hub)
    pages = Blueprint("login", __name__)
    pages.add_url_rule("/login", "form", form)
    pages.add_url_rule("/login", "enter", _limited(limiter), methods=["POST"])
    pages.add_url_rule("/login/code", "code", code)
    pages.add_url_rule("/login/code", "confirm", confirm, methods=["POST"])
    pages.add_url_rule("/logout", "leave", leave, methods=["POST"])
    return pages


def _limiter(app: Flask, hub: Hub) -> Limiter:
    """Counted in Redis where there is one, so that all web processes count together; while it is
    away each process counts for itself.
    """
    return Limiter(
        known_browsers.where_from,
        app=app,
        storage_uri=hub.config.redis_url or "memory://",
        in_memory_fallback_enabled=True,
        key_prefix="console",
        on_breach=_too_many,
    )


def _limited(limiter: Limiter) -> Callable[[], ResponseReturnValue]:
    """`enter` under its two limits: an address that has none left counts for no login."""
    per_login = limiter.limit(_PER_LOGIN, key_func=known_browsers.whose_attempt)
    per_address = limiter.limit(_PER_ADDRESS)
    return only_refused(limiter, per_login(per_address(enter)), _REFUSED)


def only_refused(
    limiter: Limiter, limited: Callable[[], ResponseReturnValue], refused: int
) -> Callable[[], ResponseReturnValue]:
    """A view under limits that count an attempt before its password is looked at, so that many at
    once are no more than one by one; what does not end as `refused` is taken back."""

    def take_back(response: Response) -> Response:
        if response.status_code != refused:
            for one in limiter.current_limits:
                limiter.limiter.hit(one.limit, *one.request_args, cost=-1)
        return response

    @wraps(limited)
    def view() -> ResponseReturnValue:
        after_this_request(take_back)
        return limited()

    return view


def _too_many(limit: RequestLimit) -> Response:
    left = datetime.fromtimestamp(limit.reset_at, UTC) - the_hub().clock.now()
    return _wait(_page, left)


def _wait(page: Callable[[str], str], left: timedelta) -> Response:
    """Say when to try again, in minutes, since the person's clock may be in any zone."""
    minutes = max(1, -(-left // _MINUTE))
    response = make_response(page(try_again_in(minutes)), _TOO_MANY)
    response.headers["Retry-After"] = str(minutes * 60)
    return response


def try_again_in(minutes: int) -> str:
    return ngettext(
        "Too many attempts. Try again in %(num)d minute.",
        "Too many attempts. Try again in %(num)d minutes.",
        minutes,
    )


def _page(trouble: str | None = None) -> str:
    return render_template("admin/login.html", login=request.form.get("login", ""), trouble=trouble)


def form() -> ResponseReturnValue:
    if sessions.is_signed_in():
        return redirect(to("admin.start"))
    return _page()


def enter() -> ResponseReturnValue:
    """Check the password and go where the person wanted to go."""
    password = request.form.get("password", "")
    try:
        with read(the_hub().engine) as connection:
            admin = check_login(
                connection,
                request.form.get("login", ""),
                fits=lambda known: password_fits(known, password),
            )
    except LoginRefused:
        return _page(gettext("Login and password do not match.")), _REFUSED
    with read(the_hub().engine) as connection:
        asked = second_factor_of(connection, admin.id) is not None
    if asked:
        sessions.wait_for_code(admin)
        return redirect(to(".code", next=inside(request.args.get("next"))))
    return _inside(admin)


def code() -> ResponseReturnValue:
    """The second step, for who has given the password."""
    if sessions.waiting_for_code() is None:
        return redirect(to(".form"))
    return _code_page()


def confirm() -> ResponseReturnValue:
    """Check the code of the app, or one for a lost phone; each works once."""
    admin, hub = sessions.waiting_for_code(), the_hub()
    if admin is None:
        return redirect(to(".form"))
    typed = request.form.get("code", "")
    try:
        second_factor.count_try(hub, admin, hub.clock.now())
        transact(
            hub.engine,
            lambda connection: second_factor.check(hub, connection, admin, typed, hub.clock.now()),
        )
    except TooManyTries as error:
        return _wait(_code_page, timedelta(seconds=error.retry_after_s))
    except SecondFactorWrong:
        trouble = gettext("This code is wrong, or was used already. Wait for the next one.")
        return _code_page(trouble), _REFUSED
    return _inside(admin)


def _inside(admin: Admin) -> Response:
    sessions.open_session(admin)
    answer = make_response(redirect(inside(request.args.get("next")) or to("admin.start")))
    known_browsers.remember(answer, admin.login)
    return answer


def _code_page(trouble: str | None = None) -> str:
    return render_template("admin/login_code.html", trouble=trouble)


def leave() -> ResponseReturnValue:
    sessions.end_session()
    return redirect(to("admin.login.form"))
