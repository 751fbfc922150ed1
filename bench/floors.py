"""Floors F4 and F5: what is left of an answer when nothing is worked out.

F4 is a bare WSGI function, F5 a Flask view; both decode the request by the standard library's
`json` and encode the answer that the hub gave to such a request, byte for byte.  They are
served by `hub.serving` itself, in the place of the hub's own application, so that processes,
threads, keep-alive and log are the same whatever these become.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from flask import Flask, Response, request

from hub import logs, serving
from hub.config import load_config
from hub.wiring import build_hub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]

JSON = "application/json"
_WAYS: tuple[dict[str, Any], ...] = tuple(
    {"ensure_ascii": ascii_only, "separators": separators, "indent": None}
    for ascii_only in (True, False)
    for separators in (None, (",", ":"))
)


def encoder_of(body: bytes) -> Callable[[Any], str]:
    """`json.dumps` with the options under which it gives these bytes again.

    Raises: ValueError where there are none.
    """
    said = json.loads(body)
    for way in _WAYS:
        if json.dumps(said, **way).encode() == body.strip():
            return partial(json.dumps, **way)
    raise ValueError("the standard library does not write the hub's answer as the hub does")


def bare(body: bytes) -> Application:
    """F4."""
    answer, encode = json.loads(body), encoder_of(body)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        told = encode(answer).encode()
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(told)))])
        return [told]

    return application


def flask(body: bytes) -> Application:
    """F5."""
    answer, encode = json.loads(body), encoder_of(body)
    app = Flask(__name__)

    @app.post("/<path:where>")
    def view(where: str) -> Response:
        json.loads(request.get_data())
        return Response(encode(answer), content_type=JSON)

    return app


FLOORS = {"bare": bare, "flask": flask}


def main() -> None:
    application = FLOORS[sys.argv[1]](Path(os.environ["BENCH_ANSWER"]).read_bytes())
    hub = build_hub(load_config())
    logs.configure(hub.config)
    with mock.patch.object(serving, "create_app", return_value=application):
        serving.serve_web(hub)


if __name__ == "__main__":
    main()
