"""The Vendor API 1.0: MoySklad installs the owner's solution, and is told where its till asks.

Both sides prove themselves by a JSON web token, HS256 under the solution's secret, good once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from connectors.moysklad.client import MoySklad
from connectors.moysklad.till_words import empty, reply
from loyalty_kit.desk import Declined, Desk
from loyalty_kit.errors import Gone, RemoteMisconfigured, SignatureInvalid
from loyalty_kit.json_text import read_json
from loyalty_kit.ports import InboundRequest, ProtocolReply, ProtocolRoute, Settings

LIVES_S = 120
"""Of our tokens; MoySklad takes none that lives longer than 300."""
LONGEST_S = 300
TURNED_AWAY = 409
"""The solution is in that status already."""
PATH = "api/moysklad/vendor/1.0/apps/<app>/<account>"
PATH_OF_EVENTS = "api/vendor/1.0/apps/<app>/<account>/event"
"""The documents' prose names this path, their sample the other one."""


# Tokens


def make_token(secret: str, claims: Mapping[str, Any]) -> str:
    head = _encoded({"alg": "HS256", "typ": "JWT"})
    signed = f"{head}.{_encoded(claims)}"
    return f"{signed}.{_base64(_mark(secret, signed))}"


def claims_of(secret: str, authorization: str | None, now: datetime) -> Mapping[str, Any]:
    """The claims of a token that is genuine, in time, and names itself.

    Raises: SignatureInvalid.
    """
    scheme, _, token = (authorization or "").partition(" ")
    signed, _, mark = token.strip().rpartition(".")
    if scheme.lower() != "bearer" or not secret or not signed:
        raise SignatureInvalid("no token")
    wanted = _base64(_mark(secret, signed))
    if not hmac.compare_digest(wanted.encode(), mark.encode("utf-8", "surrogatepass")):
        raise SignatureInvalid("wrong token")
    head, _, body = signed.partition(".")
    claims = _decoded(body)
    if _decoded(head).get("alg") != "HS256":
        raise SignatureInvalid("a token of another kind")
    expires, made, name = claims.get("exp"), claims.get("iat"), claims.get("jti")
    times = [one for one in (expires, made) if isinstance(one, int) and not isinstance(one, bool)]
    if len(times) != 2 or not isinstance(name, str) or not 0 < len(name) <= 200:
        raise SignatureInvalid("a token without its time or name")
    if abs(now.timestamp() - times[1]) > LONGEST_S or now.timestamp() >= times[0]:
        raise SignatureInvalid("a token out of its time")
    return claims


def _mark(secret: str, signed: str) -> bytes:
    message = signed.encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _encoded(document: Mapping[str, Any]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(part: str) -> Mapping[str, Any]:
    """Raises: SignatureInvalid."""
    try:
        told = read_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise SignatureInvalid("an unreadable token") from None
    if not isinstance(told, dict):
        raise SignatureInvalid("an unreadable token")
    return told


# What MoySklad calls


def _admit(request: InboundRequest, desk: Desk, settings: Settings) -> None:
    """Raises: SignatureInvalid, Declined."""
    claims = claims_of(settings["app_secret"], request.headers.get("authorization"), desk.now)
    if request.steps["app"] != settings["app_id"]:
        raise SignatureInvalid("another solution")
    if not desk.first_time(str(claims["jti"])):
        raise SignatureInvalid("a token that was used")


def _installed(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """Of the account that is known, or the first; the token comes with an installation alone."""
    told = read_json(request.body)
    if not isinstance(told, dict):
        return _refused(400)
    account, known = request.steps["account"], settings["account_id"]
    if known and known != account:
        return _refused(403)
    access = told.get("access")
    given = access[0] if isinstance(access, list) and access else None
    token = given.get("access_token") if isinstance(given, dict) else None
    changed = {"account_id": account}
    if isinstance(token, str):
        changed |= {"api_token": token}
    desk.save(changed)
    anew = not known or told.get("cause") == "Install"
    return reply({"status": "SettingsRequired" if anew else "Activated"})


def _removed(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    """The token is dead by now, which the next poll shows to the owner."""
    return empty(200 if settings["account_id"] == request.steps["account"] else 204)


def _noted(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
    return empty(200)


def _refused(status: int) -> ProtocolReply:
    return reply({"errors": [{"error": "Отказано", "code": status}]}, status)


def _route(method: str, path: str, answer: Any) -> ProtocolRoute:
    def guarded(request: InboundRequest, desk: Desk, settings: Settings) -> ProtocolReply:
        try:
            _admit(request, desk, settings)
            told: ProtocolReply = answer(request, desk, settings)
        except SignatureInvalid:
            return _refused(401)
        except Declined as declined:
            # MoySklad repeats what is answered 5xx, and gives up at 4xx.
            return _refused(503 if declined.code == "try_again" else 400)
        except ValueError:
            return _refused(400)
        return told

    return ProtocolRoute(method, path, guarded)


ROUTES = (
    _route("PUT", PATH, _installed),
    _route("DELETE", PATH, _removed),
    _route("PUT", f"{PATH}/event", _noted),
    _route("PUT", PATH_OF_EVENTS, _noted),
)


# What we call


def tell_the_till(client: MoySklad) -> None:
    """MoySklad learns where its till asks, with which token; the solution is then at work.

    Nothing where the owner has no solution, or it is not installed.

    Raises: what the client raises.
    """
    own = client.settings
    parts = urlsplit(own["hook_url"])
    if not (own["app_id"] and own["app_uid"] and own["app_secret"] and own["account_id"]):
        return
    steps = parts.path.strip("/").split("/")
    if len(steps) < 3 or steps[-3] != "hooks":
        raise RemoteMisconfigured("hook_url is not the hub's address for webhooks")
    path = "/".join(["", *steps[:-3], "connect", steps[-2]])
    address = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    loyalty = {
        "url": address,
        "token": own["till_token"],
        "externalSearch": own["external_search"],
    }
    root = f"{own['vendor_url'].rstrip('/')}/apps/{own['app_id']}/{own['account_id']}"
    try:
        client.put(f"{root}/loyalty", loyalty, bearer=proof(client))
        client.put(
            f"{root}/status", {"status": "Activated"}, bearer=proof(client), also=(TURNED_AWAY,)
        )
    except Gone:
        raise RemoteMisconfigured("MoySklad has no such solution installed") from None


def proof(client: MoySklad, now: int = 0) -> str:
    """By MoySklad's own clock, since that is by which it judges; where it has told none yet, `now`
    in seconds since 1970."""
    made = client.server_time or now
    claims = {
        "sub": client.settings["app_uid"],
        "iat": made,
        "exp": made + LIVES_S,
        "jti": secrets.token_hex(16),
    }
    return make_token(client.settings["app_secret"], claims)
