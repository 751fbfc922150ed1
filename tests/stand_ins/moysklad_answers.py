"""How the stand-in MoySklad answers: packed, in pages, expanded where asked, with its refusals."""

from __future__ import annotations

import copy
import gzip
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Trouble = Literal["429", "500", "html", "hang-up", "404-html", "redirect"]

BUCKET = 45
LIST_MOST = 1000
EXPAND_MOST = 100


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    body: Any = None
    token: str | None = None
    at: float = field(default_factory=time.monotonic)


class Answers(BaseHTTPRequestHandler):
    """`account`: the stand-in whose objects are expanded."""

    protocol_version = "HTTP/1.1"
    account: Any

    def call_of(self, root: str, raw: bytes) -> Call:
        """The call of now, its path from below `root` on."""
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        body = json.loads(raw) if raw else None
        path = parts.path.removeprefix(root)
        return Call(self.command, path, query, body, self.headers.get("Authorization"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Tests want a quiet vendor."""

    def _rows(self, rows: list[Json], query: dict[str, str], name: str = "") -> None:
        limit, offset = int(query.get("limit", LIST_MOST)), int(query.get("offset", 0))
        if not 1 <= limit <= LIST_MOST:
            self._error(400, 1015, "Неверный limit")
            return
        page = copy.deepcopy(rows[offset : offset + limit])
        if name:
            expand = query.get("expand", "").split(",") if limit <= EXPAND_MOST else []
            page = [self._shown(row, expand) for row in page]
        meta = {"size": len(rows), "limit": limit, "offset": offset}
        self._send(200, {"context": {}, "meta": meta, "rows": page})

    def _shown(self, row: Json, expand: list[str]) -> Json:
        """References expanded where asked; positions only counted where not."""
        positions = row.get("positions")
        if isinstance(positions, dict):
            rows = positions["rows"]
            meta = {"size": len(rows), "limit": LIST_MOST, "offset": 0}
            row["positions"] = {"meta": meta}
            if "positions" in expand:
                row["positions"]["rows"] = rows[:LIST_MOST]
        for name in ("agent", "state", "product", "demand"):
            if name in expand and isinstance(row.get(name), dict):
                number = row[name]["meta"]["href"].rpartition("/")[2]
                kind = {"agent": "counterparty"}.get(name, name)
                row[name] = self.account.objects.get(kind, {}).get(number, row[name])
        return row

    # Refusals

    def _trouble(self, trouble: Trouble) -> None:
        if trouble == "429":
            self._too_fast(400)
        elif trouble == "redirect":
            self._raw(302, b"", {"Location": self.account.elsewhere or self.path})
        elif trouble == "500":
            self._error(500, 1000, "Внутренняя ошибка")
        else:
            status = 404 if trouble == "404-html" else 200
            body = gzip.compress(b"<html><title>Technical works</title></html>")
            self._raw(status, body, {"Content-Type": "text/html", "Content-Encoding": "gzip"})

    def _too_fast(self, wait_ms: int) -> None:
        self._error(
            429,
            1049,
            "Превышено ограничение на количество запросов",
            {
                "X-RateLimit-Limit": str(BUCKET),
                "X-Lognex-Retry-TimeInterval": "3000",
                "X-Lognex-Retry-After": str(wait_ms),
            },
        )

    def _error(
        self, status: int, code: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._send(status, {"errors": [{"error": text, "code": code}]}, headers)

    def _send(
        self, status: int, document: Json | None, headers: Mapping[str, str] | None = None
    ) -> None:
        if document is None:
            self._raw(status, b"", {})
            return
        self._send_any(status, document, headers)

    def _send_any(
        self, status: int, document: Any, headers: Mapping[str, str] | None = None
    ) -> None:
        body = gzip.compress(json.dumps(document, ensure_ascii=False).encode())
        told = {"Content-Type": "application/json;charset=utf-8", "Content-Encoding": "gzip"}
        self._raw(status, body, {**told, **(headers or {})})

    def _raw(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def meets(row: Json, condition: str) -> bool:
    """`updated>=`, `moment>=`, `moment<=` and `name=`; other conditions are looked at elsewhere."""
    for name in ("updated", "moment"):
        if condition.startswith(f"{name}>="):
            return bool(row[name] >= condition.removeprefix(f"{name}>="))
        if condition.startswith(f"{name}<="):
            return bool(row[name] <= condition.removeprefix(f"{name}<="))
    return not condition.startswith("name=") or row.get("name") == condition.removeprefix("name=")
