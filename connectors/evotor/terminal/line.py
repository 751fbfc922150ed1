"""The way to the hub: through Evotor's proxy on a terminal, straight in a test or a LAN."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

PATIENCE_S = 2.0
"""A buyer waits: later than this the terminal goes on alone."""
AWAY = frozenset({408, 429, 500, 502, 503, 504})


class LineDown(Exception):
    """The hub cannot be asked now."""


class Declined(Exception):
    """The hub says no: a stable code, and words for the cashier by language."""

    def __init__(self, code: str, texts: Mapping[str, str]) -> None:
        super().__init__(code)
        self.code = code
        self.texts = texts


class Line(Protocol):
    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's document.  Raises: LineDown, Declined."""
        ...


def answered(status: int, body: bytes) -> Any:
    """What an answer says.  Raises: LineDown, Declined."""
    try:
        document = json.loads(body)
    except ValueError:
        raise LineDown(f"{status} without JSON") from None
    if 200 <= status < 300:
        return document
    error = document.get("error") if isinstance(document, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(error, dict) or not isinstance(code, str):
        raise LineDown(f"{status} without a code")
    if status in AWAY and code in ("try_again", "paused"):
        raise LineDown(code)
    raise Declined(code, {name: str(error.get(name, "")) for name in ("ru", "en")})


@dataclass(frozen=True, slots=True)
class HttpLine:
    """`base` ends with `/connect/<installation>/terminal`.  On a terminal the proxy adds the
    headers; in a LAN they are given here."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = PATIENCE_S

    def send(self, method: str, path: str, body: Any = None) -> Any:
        if not self.base.startswith(("https://", "http://")):
            raise LineDown("not a web address")
        asked = urllib.request.Request(  # noqa: S310 - http and https alone, looked at above
            f"{self.base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self.headers},
        )
        try:
            with urllib.request.urlopen(asked, timeout=self.patience_s) as told:  # nosec B310 # noqa: S310 - the same
                return answered(told.status, told.read())
        except urllib.error.HTTPError as refused:
            return answered(refused.code, refused.read())
        except (OSError, ValueError) as error:
            raise LineDown(type(error).__name__) from None
