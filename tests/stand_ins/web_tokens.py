"""JSON web tokens, HS256 (RFC 7515, 7519), made here so that they are not the hub's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def token_by(secret: str, claims: Mapping[str, Any]) -> str:
    parts = [_base64(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    mark = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64(mark)}"


def claims_by(secret: str, authorization: str) -> Json | None:
    token = authorization.removeprefix("Bearer ")
    try:
        body = token.split(".")[1]
        claims: Json = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return None
    signed, _, mark = token.rpartition(".")
    wanted = _base64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())
    return claims if mark == wanted else None


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
