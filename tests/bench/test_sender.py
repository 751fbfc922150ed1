"""The sender of deliveries, on a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.measure import BenchFailed
from bench.sender import Sender

SLOW_S = 2.0


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.kept.append(f"{self.path} {body}")
        if body == "slow":
            time.sleep(SLOW_S)
        self.send_response(503 if body == "bad" else 200)
        if body == "last":
            self.send_header("Connection", "close")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Not on the console."""


@contextmanager
def _door() -> Iterator[tuple[str, list[str]]]:
    kept: list[str] = []
    handler = type("Handler", (_Door,), {"kept": kept})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", kept
        finally:
            server.shutdown()
            serving.join()


def test_a_slow_answer_does_not_hold_up_what_is_planned() -> None:
    bodies = [b"slow", *[b"quick"] * 9]
    with _door() as (address, kept):
        sent = Sender(address, "/door").at_pace(
            [(str(number), body) for number, body in enumerate(bodies)], rate=50
        )

    assert [one.name for one in sent] == [str(number) for number in range(10)]
    assert len(kept) == 10
    # The ninth was planned 0.18 s after the first, which is answered after 2 s.
    assert sent[9].answered_at < sent[0].answered_at
    assert max(one.late_s for one in sent) < SLOW_S


def test_some_connections_send_everything_once() -> None:
    with _door() as (address, kept):
        sent = Sender(address, "/door").at_once(
            ((str(number), f"body {number}".encode()) for number in range(57)), connections=8
        )

    assert sorted(one.name for one in sent) == sorted(str(number) for number in range(57))
    assert sorted(kept) == sorted(f"/door body {number}" for number in range(57))


def test_a_connection_that_was_closed_is_opened_anew() -> None:
    with _door() as (address, kept):
        sent = Sender(address, "/door").at_once([("1", b"last"), ("2", b"more")], connections=1)

    assert [one.name for one in sent] == ["1", "2"]
    assert kept == ["/door last", "/door more"]


def test_a_refusal_is_no_measurement() -> None:
    bodies = [("1", b"good"), ("2", b"bad"), ("3", b"good")]
    with _door() as (address, _):
        sender = Sender(address, "/door")
        with pytest.raises(BenchFailed, match="503"):
            sender.at_pace(bodies, 100)
        with pytest.raises(BenchFailed, match="503"):
            sender.at_once(bodies, 2)
