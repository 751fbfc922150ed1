"""A small real server that answers as it is told and remembers what it was asked.

Listens on a free port of this machine only.  An answer may also be no answer: `HANG` keeps
the caller waiting until the server closes, `DROP` closes the connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that arrived; header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


HANG = Reply(status=-1)
DROP = Reply(status=-2)
Answer = Callable[[Asked], Reply]


def json_reply(body: bytes = b"{}", status: int = 200) -> Reply:
    return Reply(status, body, {"Content-Type": "application/json"})


def always(reply: Reply) -> Answer:
    """The same reply to everything."""
    return lambda asked: reply


class Remote:
    """`with Remote(answer) as remote:`; then `remote.base_url` and `remote.asked`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._closing = threading.Event()
        self.asked: list[Asked] = []

    def __enter__(self) -> Remote:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.remote = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = self._answer(asked)
        if reply is HANG:
            self._closing.wait()
        return reply


class _Server(ThreadingHTTPServer):
    remote: Remote

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=parts.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        reply = cast(_Server, self.server).remote.reply_to(asked)
        if reply is HANG or reply is DROP:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        if "Date" not in reply.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """The test that asks for a log reads `Remote.asked`."""
