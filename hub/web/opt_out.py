"""`/c/<token>`: the way out of advertising, without a login, in Russian and English.

A page asks, so that programs which look at links end nothing; a POST does it, by the page's
button or by that of a mail program (RFC 8058: one click, no cookies, no redirect).  The token is
all the proof that is asked for, so there is no CSRF token, and whoever has a right one is never
told to wait: mail services press the button for many people from one address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from flask import Flask, Response, make_response, render_template, request
from sqlalchemy import Connection

from hub.limits import RateLimit
from hub.outbox.gate import OPT_OUT
from hub.web.errors import asked_language
from hub.wiring import Hub
from loyalty_core.domain.consents import LINK, ONE_CLICK
from loyalty_core.domain.errors import MemberNotFound
from loyalty_core.service.consents import opt_out
from loyalty_core.service.opt_out import open_token
from loyalty_core.store import members, programmes
from loyalty_core.store.database import read, transact

WRONG_A_MINUTE = "60/minute"
"""Links that lead nowhere, from one address."""

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "ru": {
        "title": "Отказ от рекламы",
        "ask": "Нажмите, и «{programme}» больше не будет присылать вам рекламу: {channel}.",
        "button": "Отказаться",
        "done": "Готово: «{programme}» больше не присылает вам рекламу: {channel}.",
        "gone": "Такой ссылки нет. Откройте ссылку из сообщения целиком.",
        "wait": "Слишком много неверных ссылок. Попробуйте через минуту.",
        "other": "English",
        "sms": "по SMS",
        "email": "по почте",
        "push": "в уведомлениях приложения",
    },
    "en": {
        "title": "No more advertising",
        "ask": "Press, and {programme} will send you no more advertising: {channel}.",
        "button": "No more advertising",
        "done": "Done: {programme} sends you no more advertising: {channel}.",
        "gone": "There is no such link. Open the whole link from the message.",
        "wait": "Too many wrong links. Try again in a minute.",
        "other": "Русский",
        "sms": "by SMS",
        "email": "by mail",
        "push": "in notifications of the app",
    },
}


@dataclass(frozen=True, slots=True)
class _Way:
    """What a good link is about.  `programme` is its name, for the page."""

    programme_id: int
    programme: str
    member_id: int
    channel: str


def register(app: Flask, hub: Hub) -> None:
    """Add the page."""
    wrong = RateLimit(WRONG_A_MINUTE, hub.config.redis_url)
    for method, view in (("GET", _ask), ("POST", _leave)):
        endpoint = f"opt_out.{view.__name__.strip('_')}"
        app.add_url_rule(
            "/c/<token>", endpoint, partial(_with_way, hub, wrong, view), methods=[method]
        )


def _with_way(
    hub: Hub, wrong: RateLimit, view: Callable[[Hub, _Way], Response], token: str
) -> Response:
    way = _way(hub, token)
    if way is not None:
        return view(hub, way)
    over = wrong.spend(f"opt-out/address:{request.remote_addr}", 1, hub.clock.now())
    if over is None:
        return _page("gone", status=404)
    answer = _page("wait", status=429)
    answer.headers["Retry-After"] = "60"
    return answer


def _way(hub: Hub, token: str) -> _Way | None:
    opened = open_token(hub.vault.each(OPT_OUT), token)
    if opened is None:
        return None
    member, channel = opened
    with read(hub.engine) as connection:
        programme_id = members.programmes_of(connection, [member]).get(member)
        if programme_id is None:
            return None
        programme = programmes.programme_by_id(connection, programme_id)
    return None if programme is None else _Way(programme_id, programme.name, member, channel)


def _ask(_hub: Hub, way: _Way) -> Response:
    return _page("ask", way)


def _leave(hub: Hub, way: _Way) -> Response:
    how = ONE_CLICK if request.form.get("List-Unsubscribe") == "One-Click" else LINK

    def work(connection: Connection) -> None:
        opt_out(connection, way.programme_id, way.member_id, way.channel, how, now=hub.clock.now())

    with suppress(MemberNotFound):  # erased: nobody is left whom anything could be sent
        transact(hub.engine, work)
    return _page("done", way)


def _page(what: str, way: _Way | None = None, *, status: int = 200) -> Response:
    asked = request.args.get("lang")
    language = asked if asked is not None and asked in _TEXTS else asked_language()
    texts = _TEXTS[language]
    facts = {}
    if way is not None:
        channel = texts.get(way.channel, way.channel)
        facts = {"programme": way.programme, "channel": channel}
    page = render_template(
        "opt_out.html",
        language=language,
        other="en" if language == "ru" else "ru",
        texts=texts,
        sentence=texts[what].format(**facts),
        what=what,
    )
    answer = make_response(page, status)
    answer.headers["Content-Language"] = language
    # No search engine, and no page that a link leads on to, learns the address.
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
