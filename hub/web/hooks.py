"""`POST|PUT /hooks/<installation>/<name>`: where shops deliver.

Shops judge by the status: some lose what was not answered 2xx, and stop calling after a few
failures.  So a call that is genuine gets its 200 whatever it means for points; 401 and 400 are
for calls that are not, and 503 only says that nothing could be kept.
"""

from __future__ import annotations

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from hub.ingest.inbox import Door, NoSuchDoor
from hub.live import NotLive
from hub.web.errors import Problem
from hub.wiring import Hub
from loyalty_core.store.prompt import UNAVAILABLE
from loyalty_kit.errors import Refused, SignatureInvalid
from loyalty_kit.ports import InboundRequest

log = structlog.get_logger(__name__)

BODY_LIMIT = 5 * 1024 * 1024


def register(app: Flask, hub: Hub) -> None:
    """Open the doors of every installation."""

    door = Door(hub)

    def receive(installation: str, name: str) -> Response:
        return _receive(door, installation, name)

    rule = "/hooks/<installation>/<name>"
    app.add_url_rule(rule, "hooks.receive", receive, methods=["POST", "PUT"])


def _receive(door: Door, installation: str, name: str) -> Response:
    request.max_content_length = BODY_LIMIT
    inbound = InboundRequest(
        headers={key.lower(): value for key, value in request.headers.items()},
        body=request.get_data(cache=False),
        query=request.args.to_dict(),
    )
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
