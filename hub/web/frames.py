"""`/frames/<installation>`: how a connection stands, shown inside the vendor's own pages.

No login and no cookie: the connector asks the vendor who opens it.  The page only tells, and
holds nothing personal and no secret; what is to be changed is changed in the console, which is
never framed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_datetime
from flask import Flask, Response, make_response, render_template, request
from flask_babel import force_locale
from werkzeug.exceptions import NotFound

from hub.limits import RateLimit
from hub.live import Live, NotLive, enliven
from hub.web.admin import words
from hub.web.csp import framed_by
from hub.web.errors import asked_language
from hub.wiring import Hub
from loyalty_core.store import installations, programmes
from loyalty_core.store.database import read
from loyalty_core.store.ids import from_wire
from loyalty_core.store.programmes import Programme
from loyalty_kit.errors import ConnectorError, Refused
from loyalty_kit.ports import Client, Frame, FrameView

log = structlog.get_logger(__name__)

OPENED_A_MINUTE = "30/minute"
"""Of one connection from one address.  An opening that has the right form calls the vendor,
before it is known who opens."""

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "ru": {
        "title": "Хаб лояльности",
        "state": "Подключение",
        "last": "Последнее сообщение",
        "never": "ещё не было",
        "places": "Точки продаж",
        "place": "В вашей системе",
        "shop": "Магазин в хабе",
        "steps": "Что сделать дальше",
        "console": "Открыть в хабе",
        "refused": "Откройте решение ещё раз из списка решений: эта страница устарела или открыта "
        "не отсюда.",
        "wait": "Сейчас нельзя узнать, кто открыл эту страницу. Попробуйте через минуту.",
    },
    "en": {
        "title": "Loyalty hub",
        "state": "Connection",
        "last": "Last message",
        "never": "none yet",
        "places": "Points of sale",
        "place": "In your system",
        "shop": "Shop in the hub",
        "steps": "What to do next",
        "console": "Open in the hub",
        "refused": "Open the solution once more from the list: this page is too old, or was opened "
        "from elsewhere.",
        "wait": "Who opens this page cannot be told now. Try again in a minute.",
    },
}


def register(app: Flask, hub: Hub) -> None:
    """Add the page."""
    limit = RateLimit(OPENED_A_MINUTE, hub.config.redis_url)
    app.add_url_rule("/frames/<installation>", "frames.show", partial(_show, hub, limit))


def _show(hub: Hub, limit: RateLimit, installation: str) -> Response:
    """Raises: NotFound, Refusal 429."""
    live, home = _live(hub, installation)
    frame = live.connector.frame
    if frame is None:
        raise NotFound
    now = hub.clock.now()
    query = request.args.to_dict()
    try:
        client = live.client()
        frame.check_form(client, query)
        limit.admit(f"frame/{live.wire_id}/{request.remote_addr}", now)
        language = frame.admit(client, query, now)
    except Refused:
        return _page(frame, asked_language(), 403, what="refused")
    except ConnectorError as error:
        log.warning("frame_not_admitted", installation=live.wire_id, code=error.code)
        return _page(frame, asked_language(), 503, what="wait")
    with force_locale(language):
        view = _view(frame, client, live)
        told = {"view": view, "live": live, "programme": home.code}
        return _page(frame, language, 200, what="told", last=_last(live, home, language), **told)


def _live(hub: Hub, installation: str) -> tuple[Live, Programme]:
    """The installation, and its programme.  Raises: NotFound."""
    number = from_wire("i", installation)
    with read(hub.engine) as connection:
        row = None if number is None else installations.get(connection, number)
        home = None if row is None else programmes.programme_by_id(connection, row.programme_id)
    if row is None or home is None:
        raise NotFound
    try:
        return enliven(hub, row), home
    except NotLive:
        raise NotFound from None


def _last(live: Live, home: Programme, language: str) -> str:
    """When the last message came, by the programme's clock; empty where none did."""
    at = live.row.last_delivery_at
    if at is None:
        return ""
    local = at.astimezone(ZoneInfo(home.timezone))
    return str(format_datetime(local, "d MMM y, HH:mm", locale=language))


def _view(frame: Frame, client: Client, live: Live) -> FrameView:
    """What the vendor does not tell now is left out: the rest is the hub's own."""
    try:
        return frame.view(client)
    except ConnectorError as error:
        log.warning("frame_without_view", installation=live.wire_id, code=error.code)
        return FrameView()


def _page(frame: Frame, language: str, status: int, **told: Any) -> Response:
    """`what` among the `told`: a text of its own, or all of a connection."""
    page = render_template(
        "frame.html", texts=_TEXTS[language], language=language, words=words, **told
    )
    answer = make_response(page, status)
    answer.headers["Content-Security-Policy"] = framed_by(frame.ancestors)
    return answer
