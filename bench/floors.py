"""Floors under gunicorn: what is left of an answer when nothing is worked out.

F4 is a bare WSGI function, F5 a Flask view; both decode the request by the standard library's
`json` and encode an answer that the hub gave to the same request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ANSWER: Any = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text("utf-8"))
JSON = "application/json"


def bare(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """F4."""
    json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    body = json.dumps(ANSWER).encode()
    start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
    return [body]


flask = Flask(__name__)


@flask.post("/<path:where>")
def view(where: str) -> Response:
    """F5."""
    json.loads(request.get_data())
    return Response(json.dumps(ANSWER), content_type=JSON)
