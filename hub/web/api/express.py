"""Quotes by the short way: the plain call of a checkout, answered before Flask looks at it.

It knows only calls in which all is right: a key that was good a moment ago, JSON as the schema
has it, no codes to be guessed.  At the first doubt it steps aside, and the same request goes
through Flask to the view, whose answers and errors are the contract's; where both answer, they
answer the same, header by header (`tests/hub/api/test_express.py`).  What it saves stands in
`docs/adr/0041-a-plain-quote-is-answered-before-flask.md`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flask import Flask

from hub import guesses, logs
from hub.gathering import Gathering
from hub.web import csp
from hub.web.api import body, checkout, render_quote
from hub.web.api.call import BEGUN, COUNTED, Call, Room, answer, caller_by
from hub.web.auth import token_in
from loyalty_core.store.database import is_sqlite
from loyalty_kit.checkout import QuoteRequest
from loyalty_kit.checkout_schema import load_quote_request
from loyalty_kit.frozen import frozen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_JSON = "application/json"
TOGETHER_BYTES = 32 * 1024
"""Of bodies that one thread works out, one after the other, before others hear of theirs."""
WAITS = 0.5
"""Of its time a quote waits so long for others; in the rest it is asked alone."""


def register(app: Flask, room: Room, path: str, *, public_https: bool) -> None:
    """Put it before the app; `path` is that of the quotes."""
    lane = _Lane(app.wsgi_app, room, path, app.config["MAX_CONTENT_LENGTH"], public_https)
    app.wsgi_app = lane  # type: ignore[method-assign]


class _Lane:
    def __init__(
        self, app: WSGIApplication, room: Room, path: str, most: int, public_https: bool
    ) -> None:
        self._app = app
        self._room = room
        self._path = path
        self._most = most
        self._endpoint = f"{checkout.blueprint.name}.{checkout.quote.__name__}"
        self._https = public_https
        # SQLite is asked in no time, and waits for nobody.
        self._gathered = (
            None
            if is_sqlite(room.hub.engine)
            else Gathering(_told, size=lambda one: len(one.body), most=TOGETHER_BYTES)
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == self._path and self._is_plain(environ):
            request = logs.Request.begin()
            told = self._quote(environ)
            if told is not None:
                request.end(self._room.hub.metrics, self._endpoint, "POST", 200)
                start_response("200 OK", self._headers(environ, request, told))
                return [told]
        return self._app(environ, start_response)

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """By its headers, and without a query."""
        length: str = environ.get("CONTENT_LENGTH", "")
        return (
            environ["REQUEST_METHOD"] == "POST"
            and not environ.get("QUERY_STRING")
            and environ.get("CONTENT_TYPE") == _JSON
            and length.isdecimal()
            and int(length) <= self._most
            and "HTTP_CONTENT_ENCODING" not in environ
            and "HTTP_TRANSFER_ENCODING" not in environ
        )

    def _quote(self, environ: WSGIEnvironment) -> bytes | None:
        """The answer's body; None where Flask shall look at the request."""
        started, room = time.monotonic(), self._room
        environ[BEGUN] = started
        try:
            key = room.keys.remembered(token_in(environ.get("HTTP_AUTHORIZATION", "")))
            if key is None or checkout.SCOPE not in key.scopes:
                return None
            call = Call(room, key, room.hub.clock.now(), started)
            told = _whole_body(environ)
            waits_s = WAITS * call.left_s
            one = _Asked(call, told, environ, time.monotonic() + waits_s)
            if self._gathered is None or len(told) > TOGETHER_BYTES:
                return _told([one])[0]
            return self._gathered.call(one, within_s=waits_s)
        except Exception:  # noqa: BLE001  # Flask meets it again, and says what it was
            return None

    def _headers(
        self, environ: WSGIEnvironment, request: logs.Request, told: bytes
    ) -> list[tuple[str, str]]:
        https = self._https or environ["wsgi.url_scheme"] == "https"
        return [
            ("Content-Type", _JSON),
            ("Content-Length", str(len(told))),
            (logs.REQUEST_ID, request.id),
            *csp.headers(https=https),
        ]


@frozen
class _Asked:
    """`until`: who waits for it has given up then."""

    call: Call
    body: bytes
    environ: WSGIEnvironment
    until: float


def _told(some: Sequence[_Asked]) -> list[bytes | None]:
    """The answers' bodies; None where Flask shall look at the request."""
    told: list[bytes | None] = [None] * len(some)
    read = {place: asked for place, one in enumerate(some) if (asked := _read(one)) is not None}
    some_read = [(some[place].call, read[place]) for place in read]
    quotes = checkout.priced_together(some_read, share=WAITS)
    for place, quote in zip(read, quotes, strict=True):
        if quote is not None:
            told[place] = answer(render_quote.quote(quote)).body
    return told


def _read(one: _Asked) -> QuoteRequest | None:
    """What it asks for, once it counts on its limit."""
    call = one.call
    if time.monotonic() >= one.until:
        return None
    try:
        asked = load_quote_request(body.decode(one.body))
        if guesses.codes_in(asked):
            return None
        call.room.limit.admit(caller_by(call.key), call.now)
    except Exception:  # noqa: BLE001  # as above
        return None
    one.environ[COUNTED] = True
    return asked


def _whole_body(environ: WSGIEnvironment) -> bytes:
    """It can be read once from a socket, so it is left there for whoever reads it again."""
    told: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = io.BytesIO(told)
    return told
