"""One's own account: where one is logged in, and the second factor."""

from __future__ import annotations

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from markupsafe import Markup
from sqlalchemy import Connection

from hub import second_factor
from hub.passwords import password_fits
from hub.web.admin import sessions
from hub.web.admin.authors import author
from hub.web.admin.browsers import browser_name
from hub.web.admin.context import the_hub
from hub.web.admin.languages import gettext
from hub.web.admin.login import only_refused, try_again_in
from hub.web.admin.sessions import signed_in_admin
from hub.wiring import Hub
from loyalty_core.service import safety
from loyalty_core.service.admins import LoginRefused, check_login
from loyalty_core.service.safety import SecondFactorSet, SecondFactorWrong, TooManyTries
from loyalty_core.store.database import read, transact
from loyalty_core.store.ids import to_wire

_OFFERED = "offered"
"""In the session: the secret that the app is to take."""
_PASSWORDS = "10 per 15 minutes"
_REFUSED = 422


def blueprint(app: Flask, hub: Hub) -> Blueprint:
    """/admin/account: for everybody who is signed in, whatever they are in a programme."""
    limiter = Limiter(
        _whose,
        app=app,
        storage_uri=hub.config.redis_url or "memory://",
        in_memory_fallback_enabled=True,
        key_prefix="account",
    )
    guarded = only_refused(limiter, limiter.limit(_PASSWORDS)(enrol), _REFUSED)
    pages = Blueprint("account", __name__, url_prefix="/account")
    pages.add_url_rule("/", "index", index)
    pages.add_url_rule("/sessions/<session_id>/end", "end", end, methods=["POST"])
    pages.add_url_rule("/sessions/end-others", "end_others", end_others, methods=["POST"])
    pages.add_url_rule("/second-factor/demanded", "demanded", demanded)
    pages.add_url_rule("/second-factor", "begin", begin)
    pages.add_url_rule("/second-factor", "enrol", guarded, methods=["POST"])
    pages.add_url_rule("/second-factor/codes", "codes", codes, methods=["POST"])
    pages.add_url_rule("/second-factor/drop", "drop", drop, methods=["POST"])
    return pages


def _whose() -> str:
    """Limits are asked before anybody is turned away."""
    return f"account:{signed_in_admin().id}" if sessions.is_signed_in() else "account:nobody"


def index() -> ResponseReturnValue:
    return _page()


def end(session_id: str) -> ResponseReturnValue:
    """End one session; one's own is a logout."""
    own = to_wire(safety.SESSION, sessions.session_id())
    if session_id == own:
        sessions.end_session()
        return redirect(url_for("admin.login.form"))
    transact(
        the_hub().engine,
        lambda connection: safety.end_session(connection, signed_in_admin(), session_id),
    )
    flash(gettext("The session has ended: whoever used it is out."), "success")
    return redirect(url_for(".index"))


def end_others() -> ResponseReturnValue:
    """End all sessions but this one."""
    transact(
        the_hub().engine,
        lambda connection: safety.end_other_sessions(
            connection, signed_in_admin(), sessions.session_id()
        ),
    )
    flash(gettext("You are logged in here alone now."), "success")
    return redirect(url_for(".index"))


def demanded() -> ResponseReturnValue:
    """Where a programme sends those whom it asks for one."""
    flash(gettext("This programme asks for a second factor: switch it on, then go on."), "danger")
    return redirect(url_for(".begin"))


def begin() -> ResponseReturnValue:
    """A fresh secret to be taken into an app; it counts once the app has shown a code.

    Whoever has a second factor drops it first, against its code: an open console that somebody
    finds gives nobody another one.
    """
    with read(the_hub().engine) as connection:
        if safety.second_factor_of(connection, signed_in_admin().id) is not None:
            return redirect(url_for(".index"))
    session[_OFFERED] = second_factor.new_secret()
    return _enrolment()


def enrol() -> ResponseReturnValue:
    """Take it in, and show the codes for a lost phone, this once; whoever was in by the password
    alone is out.

    The password is asked for again: who finds an open console locks nobody out of it.
    """
    hub, admin, secret = the_hub(), signed_in_admin(), session.get(_OFFERED)
    if secret is None:
        return redirect(url_for(".begin"))
    typed = request.form.get("code", "")

    def work(connection: Connection) -> list[str]:
        told = second_factor.enrol(hub, connection, admin, secret, typed, hub.clock.now())
        safety.end_other_sessions(connection, admin, sessions.session_id())
        return told

    password = request.form.get("password", "")
    try:
        with read(hub.engine) as connection:
            check_login(connection, admin.login, fits=lambda known: password_fits(known, password))
        told = transact(hub.engine, work)
    except LoginRefused:
        return _enrolment("password", gettext("The password is wrong.")), _REFUSED
    except SecondFactorWrong:
        text = gettext("The code does not fit. Check the clock of your phone and try the next one.")
        return _enrolment("code", text), _REFUSED
    except SecondFactorSet:
        del session[_OFFERED]
        return redirect(url_for(".index"))
    del session[_OFFERED]
    return _page(codes=told)


def codes() -> ResponseReturnValue:
    """Other codes for a lost phone, against a code of the app."""
    hub, admin = the_hub(), signed_in_admin()

    def work(connection: Connection) -> list[str]:
        now = hub.clock.now()
        second_factor.check(hub, connection, admin, request.form.get("code", ""), now)
        return second_factor.renew_recovery_codes(hub, connection, admin, now)

    try:
        second_factor.count_try(hub, admin, hub.clock.now())
        told = transact(hub.engine, work)
    except (TooManyTries, SecondFactorWrong) as error:
        return _page(wrong="codes", trouble=_said(error)), _REFUSED
    return _page(codes=told)


def drop() -> ResponseReturnValue:
    """The password alone again, against a code of the app."""
    hub, admin = the_hub(), signed_in_admin()

    def work(connection: Connection) -> None:
        now = hub.clock.now()
        second_factor.check(hub, connection, admin, request.form.get("code", ""), now)
        own = sessions.session_id()
        safety.drop_second_factor(connection, admin.login, author=author(), now=now, but=own)

    try:
        second_factor.count_try(hub, admin, hub.clock.now())
        transact(hub.engine, work)
    except (TooManyTries, SecondFactorWrong) as error:
        return _page(wrong="drop", trouble=_said(error)), _REFUSED
    flash(gettext("The second factor is off."), "success")
    return redirect(url_for(".index"))


def _said(error: TooManyTries | SecondFactorWrong) -> str:
    if isinstance(error, TooManyTries):
        return try_again_in(-(-error.retry_after_s // 60))
    return gettext("This code is wrong, or was used already. Wait for the next one.")


def _page(*, codes: list[str] | None = None, wrong: str = "", trouble: str = "") -> str:
    admin, now = signed_in_admin(), the_hub().clock.now()
    with read(the_hub().engine) as connection:
        return render_template(
            "admin/account.html",
            sessions=safety.list_sessions(connection, admin.id, now),
            own=sessions.session_id(),
            factor=safety.second_factor_of(connection, admin.id),
            codes_left=safety.count_recovery_codes(connection, admin.id),
            codes=codes,
            wrong=wrong,
            trouble=trouble,
            id_of=lambda one: to_wire(safety.SESSION, one.id),
            browser_name=browser_name,
        )


def _enrolment(wrong: str = "", trouble: str = "") -> str:
    """`wrong`: which field, and `trouble`, what is wrong with it."""
    secret, admin = session[_OFFERED], signed_in_admin()
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    # Made by segno of letters and digits; nothing of it is typed by anybody.
    picture = Markup(second_factor.picture_of(secret, admin.login))  # nosec B704 # noqa: S704
    return render_template(
        "admin/second_factor.html",
        picture=picture,
        secret=groups,
        wrong=wrong,
        trouble=trouble,
    )
