"""The console: pages for the owner.  Each page asks a service and renders; none knows SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from hub.web.admin import (
    account,
    attention,
    catalogue,
    certificate,
    certificates,
    companions,
    connection_backfill,
    connection_health,
    coupons,
    deliveries,
    failures,
    first_run,
    formats,
    guide,
    home,
    invitation,
    keys,
    languages,
    layout,
    log,
    login,
    member_actions,
    member_choices,
    member_notes,
    members,
    messages,
    moving_in,
    parts,
    people,
    posters,
    programme,
    promotions,
    reward_choice,
    rewards,
    rights,
    rule_versions,
    seen_twice,
    sent,
    sessions,
    simulations,
    till,
    uploads,
)
from hub.web.admin.context import HUB, choose_programme
from hub.wiring import Hub

NAME = "admin"
_OPEN = frozenset(
    {
        "admin.login.form",
        "admin.login.enter",
        "admin.login.code",
        "admin.login.confirm",
        "admin.language",
        "admin.invitation.form",
        "admin.invitation.join",
    }
)
_DAY_S = 86_400
_MOST_FIELDS = 3000
"""Of a form: reading a tree out of its names costs the square of them."""
_CONNECTIONS = connection_health.pages
assert connection_backfill.pages is _CONNECTIONS, "each of these modules adds routes to it"
_PROGRAMME = programme.pages
for _part in (promotions, parts, reward_choice, rule_versions, simulations):
    assert _part.pages is _PROGRAMME, "each of these modules adds routes to it"


def register(app: Flask, hub: Hub) -> None:
    """Add the console under /admin, with its sessions and its languages."""
    app.extensions[HUB] = hub
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _DAY_S
    sessions.register(app, hub)
    languages.register(app)
    app.register_blueprint(_console(app, hub))
    app.add_url_rule("/", "front", _to_the_console)


def _to_the_console() -> ResponseReturnValue:
    return redirect(url_for("admin.start"))


def _console(app: Flask, hub: Hub) -> Blueprint:
    console = Blueprint(NAME, __name__, url_prefix="/admin")
    console.url_value_preprocessor(_take_programme)
    console.url_defaults(_give_programme)
    console.before_request(_guard)
    console.after_request(_keep_private)
    console.add_url_rule("/", "start", home.start)
    console.add_url_rule("/<path:anything>", "nothing", failures.nothing)
    console.add_url_rule("/language", "language", languages.choose, methods=["POST"])
    console.register_blueprint(login.blueprint(app, hub))
    console.register_blueprint(invitation.blueprint(app, hub))
    console.register_blueprint(account.blueprint(app, hub))
    console.register_blueprint(guide.pages)
    console.add_url_rule("/begin", "begin", first_run.begin, methods=["GET", "POST"])
    for part in (
        home.pages,
        first_run.pages,
        till.pages,
        _CONNECTIONS,
        companions.pages,
        deliveries.pages,
        attention.pages,
        _PROGRAMME,
        seen_twice.pages,
        members.pages,
        member_actions.pages,
        member_notes.pages,
        member_choices.pages,
        *moving_in.pages,
        catalogue.pages,
        coupons.pages,
        certificates.pages,
        certificate.pages,
        rewards.pages,
        posters.pages,
        messages.pages,
        sent.pages,
        people.pages,
        keys.pages,
        log.pages,
    ):
        console.register_blueprint(part, url_prefix=f"/p/<programme>{part.url_prefix or ''}")
    formats.register(app)
    layout.register(console)
    failures.register(console)
    return console


def _take_programme(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Views do not take the programme's code: they ask `the_programme()`."""
    if values and "programme" in values:
        g.programme_code = values.pop("programme")


def _give_programme(endpoint: str, values: dict[str, Any]) -> None:
    """Links stay within the programme of the page they are on, unless they name another."""
    expects = current_app.url_map.is_endpoint_expecting(endpoint, "programme")
    if expects and "programme" not in values and "programme_code" in g:
        values["programme"] = g.programme_code


def _guard() -> ResponseReturnValue | None:
    """Nobody past this line without a CSRF token on a change, a session, a programme, and a role
    in it that may do what is asked for."""
    if request.endpoint in uploads.ENDPOINTS and sessions.is_signed_in():
        request.max_content_length = uploads.MOST_BYTES
    if len(request.form) > _MOST_FIELDS or any("\x00" in text for text in _texts()):
        raise BadRequest
    sessions.check_csrf()
    if request.endpoint not in _OPEN and not sessions.is_signed_in():
        return sessions.ask_to_sign_in()
    if "programme_code" in g:
        choose_programme(g.programme_code)
        return rights.check(request.endpoint or "")
    return None


def _texts() -> Iterator[str]:
    """All that is told by the form, the query and the address; PostgreSQL takes no NUL in a text,
    and no page of ours sends one."""
    for values in (request.form, request.args):
        for name, told in values.items(multi=True):
            yield from (name, told)
    for file in request.files.values():
        yield file.filename or ""
    yield from map(str, (request.view_args or {}).values())
    yield g.get("programme_code", "")


def _keep_private(response: Response) -> Response:
    """Pages show personal data: no cache keeps them, and the back button asks again."""
    response.headers["Cache-Control"] = "no-store"
    return response
