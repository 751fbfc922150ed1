"""`POST|PUT /hooks/<installation>/<name>`: where shops deliver.

Vendors that sign nothing are given `/hooks/<installation>/<name>/<secret>`.

Shops judge by the status: some lose what was not answered 2xx, and stop calling after a few
failures.  So a call that is genuine gets its 200 whatever it means for points; 401 and 400 are
for calls that are not, and 503 only says that nothing could be kept.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from hub.ingest.inbox import Door, NoSuchDoor
from hub.live import NotLive
from hub.web.errors import Problem
from hub.wiring import Hub
from loyalty_core.store.prompt import UNAVAILABLE
from loyalty_kit.errors import Refused, SignatureInvalid
from loyalty_kit.ports import SECRET_HEADER, InboundRequest

log = structlog.get_logger(__name__)

BODY_LIMIT = 5 * 1024 * 1024


def register(app: Flask, hub: Hub) -> None:
    """Open the doors of every installation."""

    door = Door(hub)

    def receive(installation: str, name: str, secret: str | None = None) -> Response:
        return _receive(door, installation, name, secret)

    rule = "/hooks/<installation>/<name>"
    app.add_url_rule(rule, "hooks.receive", receive, methods=["POST", "PUT"])
    app.add_url_rule(f"{rule}/<secret>", "hooks.receive", receive, methods=["POST", "PUT"])


def as_inbound() -> InboundRequest:
    """The request of now, as connectors take it."""
    request.max_content_length = BODY_LIMIT
    return InboundRequest(
        headers={key.lower(): value for key, value in request.headers.items()},
        body=request.get_data(cache=False),
        query=request.args.to_dict(),
    )


def _receive(door: Door, installation: str, name: str, secret: str | None) -> Response:
    inbound = as_inbound()
    if secret is not None:
        inbound = replace(inbound, headers={**inbound.headers, SECRET_HEADER: secret})
    try:
        door.take_in(installation, name, inbound)
    except NoSuchDoor:
        raise NotFound from None
    except SignatureInvalid as refusal:
        return Problem(401, refusal.code).response()
    except Refused as refusal:
        return Problem(400, refusal.code).response()
    except (NotLive, *UNAVAILABLE) as error:
        log.error("delivery_not_kept", installation=installation, error=type(error).__name__)
        return Problem(503, "try_again", headers={"Retry-After": "60"}).response()
    return Response(status=200)
