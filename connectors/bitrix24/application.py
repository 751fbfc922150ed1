"""What a portal posts to a local application: its installing, with tokens, and events.

Both come to secret addresses below the connection's own.  Events of an application carry a token
of whoever acted; only what the hint needs is kept.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from connectors.bitrix24.form import fields_of
from connectors.bitrix24.routes import EVENTS, NUMBER, TOKEN
from loyalty_kit.desk import Declined, Desk
from loyalty_kit.errors import Refused, SignatureInvalid
from loyalty_kit.ports import (
    SECRET_HEADER,
    InboundRequest,
    ProtocolReply,
    ProtocolRoute,
    Settings,
)

INSTALLED = "ONAPPINSTALL"
EVENTS_PATH = "events"
MOST = 500
KEPT = ("event", NUMBER, "ts", TOKEN)

Answer = Callable[[InboundRequest, Desk, Settings], ProtocolReply]


def _behind_the_secret(answer: Answer) -> Answer:
    """The secret of the address proves the caller; refusals are words of our own."""

    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        given = request.steps["secret"].encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(settings["hook_token"].encode(), given):
            return _reply(401, "wrong_secret")
        try:
            return answer(request, desk, settings)
        except SignatureInvalid:
            return _reply(401, "wrong_token")
        except Refused:
            return _reply(400, "unreadable")
        except Declined as declined:
            return _reply(503 if declined.code == "try_again" else 400, declined.code)

    return guarded


def _install(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Once one portal has come, no other is let in."""
    told = fields_of(request.body)
    names = ("access_token", "refresh_token", "application_token", "member_id", "client_endpoint")
    auth = {name: told.get(f"auth[{name}]", "") for name in names}
    is_whole = all(0 < len(one) <= MOST for one in auth.values())
    if told.get("event", "").upper() != INSTALLED or not is_whole:
        return _reply(400, "not_an_installation")
    if settings["member_id"] not in ("", auth["member_id"]):
        return _reply(403, "another_portal")
    host = urlsplit(told.get("auth[server_endpoint]", "")).hostname or ""
    tokens = auth.pop("application_token")
    desk.save({**auth, "application_tokens": tokens, "oauth_host": host})
    return _reply(200, "installed")


def _event(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    told = fields_of(request.body)
    body = urlencode({name: told[name] for name in KEPT if name in told}).encode()
    headers = {SECRET_HEADER: request.steps["secret"]}
    desk.keep(EVENTS.name, InboundRequest(headers, body, {}))
    return _reply(200, "kept")


def _reply(status: int, word: str) -> ProtocolReply:
    body = json.dumps({"status": word}).encode()
    return ProtocolReply(status, {"Content-Type": "application/json"}, body)


ROUTES = (
    ProtocolRoute("POST", "install/<secret>", _behind_the_secret(_install)),
    ProtocolRoute("POST", f"{EVENTS_PATH}/<secret>", _behind_the_secret(_event)),
)
