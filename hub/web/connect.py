"""`/connect/<installation>/<path>`: vendors' own protocols, each in its vendor's words.

A connector declares routes and answers them; what it may ask of the hub is its desk.  Nothing
here looks at who calls: the connector proves that, as at a webhook.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from hub.desk import Counter, InstallationDesk
from hub.ingest.inbox import note_refusal
from hub.live import NotLive
from hub.web.errors import RETRY_AFTER_S, Problem, log_unavailable
from hub.web.hooks import as_inbound
from hub.wiring import Hub
from loyalty_core.store.ids import from_wire
from loyalty_core.store.prompt import UNAVAILABLE
from loyalty_kit.errors import SignatureInvalid

log = structlog.get_logger(__name__)

UNAUTHORIZED = 401
"""Vendors tell a proof that is wrong by this status, whatever their words."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def register(app: Flask, hub: Hub) -> None:
    """Open the protocols of every installation."""
    counter = Counter(hub)

    def answer(installation: str, path: str) -> Response:
        return _answer(counter, installation, path)

    rule = "/connect/<installation>/<path:path>"
    app.add_url_rule(rule, "connect.answer", answer, methods=METHODS)


def _answer(counter: Counter, installation: str, path: str) -> Response:
    number, now = from_wire("i", installation), counter.hub.clock.now()
    if number is None:
        raise NotFound
    try:
        live = counter.live(number, now)
    except (NotLive, *UNAVAILABLE) as error:
        log_unavailable(error)
        return _try_again()
    if live is None:
        raise NotFound
    for route in live.connector.protocol:
        steps = _steps(route.path, path) if route.method == request.method else None
        if steps is not None:
            desk = InstallationDesk(counter, live, now)
            inbound = replace(as_inbound(), steps=steps)
            try:
                reply = route.answer(inbound, desk, live.settings)
            except Exception as error:
                log.error("protocol_defect", installation=live.wire_id, exc_info=error)
                return Problem(500, "internal_error").response()
            if reply.status == UNAUTHORIZED:
                note_refusal(counter.prompt, live, SignatureInvalid.code, now=now)
            return Response(reply.body, reply.status, headers=dict(reply.headers))
    raise NotFound


def _steps(route: str, path: str) -> dict[str, str] | None:
    """What the path has where the route has names; None where it is another route's."""
    wanted, given = route.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    named = {}
    for one, other in zip(wanted, given, strict=True):
        if one.startswith("<"):
            named[one.strip("<>")] = other
        elif one != other:
            return None
    return named


def _try_again() -> Response:
    return Problem(503, "try_again", headers={"Retry-After": str(RETRY_AFTER_S)}).response()
