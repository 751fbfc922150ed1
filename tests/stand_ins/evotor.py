"""A stand-in of Evotor's cloud on a real socket: REST v2, and its habits.

Written from the vendor's documents and public code (no account was at hand), not recorded:

* a token by `Authorization: Bearer`, or by the older `X-Authorization` alone (`header`);
* lists by cursors of its own, good for one series; `since`, `until` and `type` only with the
  first question of a series, else 400;
* `since` looks at the till's clock (`since_by`: or at the arrival);
* a document that is not there is 404 with `{}`, a dead token 401 with code 1003;
* over the limit 429 with `X-RateLimit-Reset`, in seconds or as a time.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Trouble = Literal["429", "429-epoch", "500", "slow", "html", "404-html", "hang-up"]

SLOW_S = 0.3


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    cloud: Cloud

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what some tests are about."""


@dataclass
class Call:
    path: str
    query: dict[str, str]


@dataclass
class Cloud:
    """One merchant's cloud.  `page_size`: items on a page."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: TID251 - not the hub's
    token: str = "3c0e3a6e-7d39-4b57-9d9b-000000000001"
    header: Literal["bearer", "x"] = "bearer"
    page_size: int = 100
    since_by: Literal["close_date", "created_at"] = "close_date"
    stores: list[Json] = field(default_factory=list)
    devices: list[Json] = field(default_factory=list)
    employees: list[Json] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)
    """Lists that the application has no right to read: 403."""
    documents: dict[str, dict[str, Json]] = field(default_factory=dict)
    goods: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    troubles: deque[Trouble] = field(default_factory=deque)
    between_calls: Callable[[Call], None] | None = None
    forgets_cursors: bool = False
    closed: set[str] = field(default_factory=set)
    """Shops that are listed and have no documents any more: 404."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _cursors: dict[str, tuple[str, Json]] = field(default_factory=dict)

    def __enter__(self) -> Cloud:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.cloud = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # What is there

    def open_store(self, store: str, name: str = "Магазин") -> None:
        self.stores.append({"id": store, "name": name, "user_id": "01-000000000000123"})

    def put(self, store: str, document: Mapping[str, Any]) -> Json:
        """A till's document comes to the cloud; `created_at` is now, unless it says so."""
        with self.lock:
            kept = copy.deepcopy(dict(document))
            kept.setdefault("created_at", self.moment())
            self.documents.setdefault(store, {})[kept["id"]] = kept
            return copy.deepcopy(kept)

    def moment(self) -> str:
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def fail_next(self, trouble: Trouble, times: int = 1) -> None:
        self.troubles.extend([trouble] * times)

    # Lists

    def listed(self, path: str, query: Mapping[str, str]) -> Json | None:
        """A page; None where the question is not one that Evotor answers."""
        cursor = query.get("cursor")
        if cursor is not None:
            if len(query) > 1 or self.forgets_cursors or cursor not in self._cursors:
                return None
            of, series = self._cursors[cursor]
            if of != path:
                return None
            rows, offset = series["rows"], series["offset"]
        else:
            found = self._rows(path, query)
            if found is None:
                return None
            rows, offset = found, 0
        page, rest = rows[offset : offset + self.page_size], len(rows) - offset - self.page_size
        paging: Json = {}
        if rest > 0:
            following = str(uuid.uuid4())
            self._cursors[following] = (path, {"rows": rows, "offset": offset + self.page_size})
            paging = {"next_cursor": following}
        return {"items": copy.deepcopy(page), "paging": paging}

    def _rows(self, path: str, query: Mapping[str, str]) -> list[Json] | None:
        steps = path.strip("/").split("/")
        if len(steps) == 1:
            own = {"stores": self.stores, "devices": self.devices, "employees": self.employees}
            return own.get(steps[0])
        if len(steps) != 3 or steps[0] != "stores":
            return None
        if steps[2] == "documents":
            kinds = [one for one in query.get("type", "").split(",") if one]
            since = int(query.get("since", "0"))
            own = self.documents.get(steps[1], {}).values()
            return [
                one
                for one in own
                if (not kinds or one["type"] in kinds) and self._millis(one) >= since
            ]
        return self.goods.get((steps[1], steps[2]), [])

    def _millis(self, document: Json) -> int:
        return int(datetime.fromisoformat(document[self.since_by]).timestamp() * 1000)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def cloud(self) -> Cloud:
        return self.server.cloud  # type: ignore[attr-defined,no-any-return]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Tests want a quiet vendor."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """`Date` by the cloud's clock."""
        return super().date_time_string(self.cloud.clock().timestamp())

    def do_GET(self) -> None:
        parts, cloud = urlsplit(self.path), self.cloud
        call = Call(parts.path, dict(parse_qsl(parts.query)))
        with cloud.lock:
            cloud.calls.append(call)
            trouble = cloud.troubles.popleft() if cloud.troubles else None
        if trouble == "hang-up":
            self.close_connection = True
            return
        if trouble is not None and trouble != "slow":
            self._trouble(trouble)
        elif not self._knows():
            self._send(401, {"errors": [{"code": 1003, "reason": "expired"}]})
        else:
            if trouble == "slow":
                time.sleep(SLOW_S)
            with cloud.lock:
                self._answer(call)
        if cloud.between_calls is not None:
            cloud.between_calls(call)

    def _knows(self) -> bool:
        """By the one header that this cloud looks at."""
        if self.cloud.header == "x":
            return self.headers.get("X-Authorization") == self.cloud.token
        return self.headers.get("Authorization") == f"Bearer {self.cloud.token}"

    def _answer(self, call: Call) -> None:
        steps = call.path.strip("/").split("/")
        if len(steps) == 4 and steps[2] == "documents":
            found = self.cloud.documents.get(steps[1], {}).get(steps[3])
            self._send(404 if found is None else 200, found or {})
            return
        if steps[0] in self.cloud.forbidden:
            self._send(403, {"errors": [{"code": 1002, "reason": "no rights"}]})
            return
        if len(steps) == 3 and steps[1] in self.cloud.closed:
            self._send(404, {})
            return
        page = self.cloud.listed(call.path, call.query)
        if page is None:
            self._send(400, {"errors": [{"code": 2003, "reason": "incorrect"}]})
        else:
            self._send(200, page)

    def _trouble(self, trouble: Trouble) -> None:
        if trouble == "429":
            self._send(429, {}, {"X-RateLimit-Limit": "10", "X-RateLimit-Reset": "7"})
        elif trouble == "429-epoch":
            until = int(self.cloud.clock().timestamp()) + 40
            self._send(429, {}, {"X-RateLimit-Reset": str(until)})
        elif trouble == "500":
            self._send(500, {"errors": []})
        else:
            page = b"<html><title>Technical works</title></html>"
            status = 404 if trouble == "404-html" else 200
            self._raw(status, page, {"Content-Type": "text/html"})

    def _send(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        told = {"Content-Type": "application/vnd.evotor.v2+json;charset=utf-8"}
        self._raw(status, body, {**told, **(headers or {})})

    def _raw(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
