"""A stand-in MoySklad on a real socket: JSON API 1.2, webhooks, and its habits.

Written from the vendor's documents (no account was at hand), not from recordings:

* without `Accept-Encoding: gzip`, exactly so, the answer is 415 with no body;
* a bucket of units a token, refilled with time, a weight for each call; over it 429, code 1049,
  with `X-Lognex-Retry-After` in thousandths of a second; a sixth call at once is 429 with code
  1073 and no pause;
* `expand` is ignored, without a word, where `limit` is above 100;
* documents in the recycle bin are listed only with `isDeleted=true`, and readable by their id;
* times are Moscow's, with thousandths and no zone; money is kopecks as floating numbers;
* an object that is not there is 404 with code 1021, a dead token 401 with code 1056;
* a solution, whose calls weigh 1, has one webhook for an entity and action, a user five;
* a webhook is tried four times at once and then dropped for good.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from http.server import ThreadingHTTPServer
from typing import Any

import requests

from tests.stand_ins.moysklad_answers import BUCKET, Answers, Call, Json, Trouble, meets
from tests.stand_ins.web_tokens import claims_by

API = "/api/remap/1.2"
VENDOR = "/api/vendor/1.0"
APP, APP_UID = "aaaa0000-1111-4222-8333-444444444444", "loyaltyhub.example-vendor"
MOSCOW = timezone(timedelta(hours=3))
ACCOUNT = "44440000-0d1e-11ef-0a80-0b6300004444"
REFILL_PER_S = 15.0
TRIES = 4
AT_ONCE = 5


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    account: Account

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what some tests are about."""


@dataclass
class Account:
    """One account.  `put` keeps copies; `weight` is what each call of the token costs."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: TID251 - not the hub's
    token: str = "0123456789abcdef0123456789abcdef01234567"
    weight: int = 1
    limited: bool = False
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    made: dict[str, tuple[int, Callable[[int], Json]]] = field(default_factory=dict)
    """How many objects of a kind there are beside, and how each is made when it is asked for."""
    binned: dict[str, dict[str, Json]] = field(default_factory=dict)
    webhooks: dict[str, Json] = field(default_factory=dict)
    fields: list[Json] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refused: int = 0
    between_calls: Callable[[Call], None] | None = None
    troubles: deque[Trouble] = field(default_factory=deque)
    lock: threading.RLock = field(default_factory=threading.RLock)
    units: float = BUCKET
    counted_at: float = field(default_factory=time.monotonic)
    app_secret: str = "solution-secret-of-the-tests"
    installed: bool = False
    elsewhere: str | None = None
    """Where a redirect leads; None: to the same address again."""
    takes_s: float = 0.0
    """How long each call takes."""
    under_way: int = 0
    most_at_once: int = 0
    stock: dict[tuple[str, str | None], float] = field(default_factory=dict)
    """By article and store."""
    loyalty: Json = field(default_factory=dict)
    status: str = "SettingsRequired"
    used: set[str] = field(default_factory=set)
    contexts: dict[str, str] = field(default_factory=dict)
    """Keys of pages that somebody opened just now, with the account of each."""

    # Life

    def __enter__(self) -> Account:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.account = self
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
        return f"{self.origin}{API}"

    @property
    def vendor_url(self) -> str:
        return f"{self.origin}{VENDOR}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # Objects

    def put(self, kind: str, document: Mapping[str, Any], **changes: Any) -> Json:
        """Save an object; every save moves `updated`, unless `changes` name it."""
        with self.lock:
            saved = copy.deepcopy({**document, **changes})
            if "updated" not in changes:
                saved["updated"] = self.moment()
            saved.setdefault("meta", {"href": self.href(kind, saved["id"]), "type": kind})
            self.objects.setdefault(kind, {})[saved["id"]] = saved
            return copy.deepcopy(saved)

    def bin(self, kind: str, number: str) -> None:
        """Into the recycle bin."""
        with self.lock:
            gone = self.objects[kind].pop(number)
            now = self.moment()
            self.binned.setdefault(kind, {})[number] = {**gone, "deleted": now, "updated": now}

    def delete_for_ever(self, kind: str, number: str) -> None:
        with self.lock:
            self.objects.get(kind, {}).pop(number, None)
            self.binned.get(kind, {}).pop(number, None)

    def href(self, kind: str, number: str) -> str:
        return f"{self.base_url}/entity/{kind}/{number}"

    def moment(self) -> str:
        text = self.clock().astimezone(MOSCOW).replace(tzinfo=None)
        return text.isoformat(sep=" ", timespec="milliseconds")

    def fail_next(self, trouble: Trouble, times: int = 1) -> None:
        self.troubles.extend([trouble] * times)

    # Webhooks

    def notification(self, *events: tuple[str, str, str]) -> Json:
        """The body for events of (kind, id, action)."""
        return {
            "auditContext": {
                "meta": {"type": "audit", "href": f"{self.base_url}/audit/{uuid.uuid4()}"},
                "uid": "kassir@demoshop.example",
                "moment": self.moment()[:19],
            },
            "events": [
                {
                    "meta": {"type": kind, "href": self.href(kind, number)},
                    "action": action,
                    "accountId": ACCOUNT,
                }
                for kind, number, action in events
            ],
        }

    def tell(self, kind: str, number: str, action: str, address: str) -> list[int]:
        """Send a webhook as MoySklad does; the statuses of its tries."""
        body, request_id = self.notification((kind, number, action)), str(uuid.uuid4())
        statuses: list[int] = []
        while len(statuses) < TRIES:
            answer = requests.post(
                address, json=body, params={"requestId": request_id}, timeout=1.5
            )
            statuses.append(answer.status_code)
            if answer.status_code in (200, 204):
                break
        return statuses

    # The bucket

    def takes(self) -> int:
        """0, or the thousandths of a second until there is room for a call."""
        with self.lock:
            now = time.monotonic()
            refilled = self.units + (now - self.counted_at) * REFILL_PER_S
            self.units, self.counted_at = min(float(BUCKET), refilled), now
            if not self.limited:
                return 0
            if self.units < self.weight:
                self.refused += 1
                return max(1, round((self.weight - self.units) / REFILL_PER_S * 1000))
            self.units -= self.weight
            return 0


class _Handler(Answers):
    @property
    def account(self) -> Account:
        return self.server.account  # type: ignore[attr-defined,no-any-return]

    def _handle(self) -> None:
        account = self.account
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self.call_of(API, raw)
        with account.lock:
            account.calls.append(call)
            account.under_way += 1
            account.most_at_once = max(account.most_at_once, account.under_way)
            too_many = account.under_way > AT_ONCE
        try:
            if too_many:
                self._error(429, 1073, "Превышено число параллельных запросов")
            else:
                time.sleep(account.takes_s)
                self._work(call)
        finally:
            with account.lock:
                account.under_way -= 1
        if account.between_calls is not None:
            account.between_calls(call)

    def _work(self, call: Call) -> None:
        with self.account.lock:
            trouble = self.account.troubles.popleft() if self.account.troubles else None
        if trouble == "hang-up":
            self.close_connection = True
        elif trouble is not None:
            self._trouble(trouble)
        elif self.headers.get("Accept-Encoding") != "gzip":
            self._send(415, None)
        elif call.path.startswith(VENDOR):
            self._vendor(call)
        elif call.token != f"Bearer {self.account.token}":
            self._error(401, 1056, "Ошибка аутентификации")
        elif wait_ms := self.account.takes():
            self._too_fast(wait_ms)
        else:
            with self.account.lock:
                self._answer(call)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _answer(self, call: Call) -> None:
        steps = call.path.strip("/").split("/")
        if steps[:2] == ["entity", "webhook"]:
            self._webhook(call, steps[2:])
        elif call.path == "/report/stock/bystore/current":
            self._stock(call.query)
        elif call.path == "/entity/counterparty/metadata/attributes":
            self._fields(call)
        elif call.method == "POST" and call.path == "/entity/counterparty":
            self._change_many(call.body)
        elif call.method != "GET" or steps[0] != "entity" or len(steps) not in (2, 3, 4):
            self._error(404, 1002, "Неизвестный путь")
        elif len(steps) == 2:
            self._list(steps[1], call.query)
        else:
            self._one(steps, call.query)

    def _stock(self, query: dict[str, str]) -> None:
        """A list without pages; articles of which a store has nothing are left out."""
        asked = query["filter"].removeprefix("assortmentId=").split(",")
        self._send_any(
            200,
            [
                {"assortmentId": article, "storeId": store, "stock": units}
                for (article, store), units in self.account.stock.items()
                if article in asked and units
            ],
        )

    def _vendor(self, call: Call) -> None:
        """`/apps/<app>/<account>/loyalty` and `/status`, and `/context/<key>`, by a token that
        is good once."""
        account = self.account
        claims = claims_by(account.app_secret, self.headers.get("Authorization", ""))
        now = account.clock().timestamp()
        fresh = claims is not None and claims["jti"] not in account.used
        if claims is None or not fresh or claims["sub"] != APP_UID or not claims["iat"] <= now:
            self._error(401, 1056, "Ошибка аутентификации")
            return
        account.used.add(claims["jti"])
        path, _, what = call.path.rpartition("/")
        if path == f"{VENDOR}/context":
            self._context(account.contexts.get(what))
        elif path != f"{VENDOR}/apps/{APP}/{ACCOUNT}" or not account.installed:
            self._error(404, 2004, "Решение не установлено")
        elif what == "loyalty":
            account.loyalty = call.body
            self._send(200, {})
        elif account.status == call.body["status"]:
            self._error(409, 2005, "Переход невозможен")
        else:
            account.status = call.body["status"]
            self._send(200, {})

    def _context(self, account_id: str | None) -> None:
        if account_id is None:
            self._error(404, 2004, "Контекст не найден")
        else:
            self._send(200, {"uid": "admin@demoshop", "accountId": account_id, "fullName": "-"})

    def date_time_string(self, timestamp: float | None = None) -> str:
        """`Date` by the account's clock."""
        return super().date_time_string(self.account.clock().timestamp())

    def _webhook(self, call: Call, rest: list[str]) -> None:
        hooks = self.account.webhooks
        if call.method == "GET":
            self._rows(list(hooks.values()), call.query)
        elif call.method == "POST":
            kind, action = call.body["entityType"], call.body["action"]
            alike = [
                hook["url"]
                for hook in hooks.values()
                if (hook["entityType"], hook["action"]) == (kind, action)
            ]
            if call.body["url"] in alike:
                self._error(412, 30001, "Такой вебхук уже есть")
                return
            if len(alike) == (1 if self.account.weight == 1 else 5):
                self._error(412, 30002, "Вебхуков этого вида не может быть больше")
                return
            made = {"id": str(uuid.uuid4()), "accountId": ACCOUNT, "enabled": True, **call.body}
            hooks[made["id"]] = made
            self._send(200, made)
        elif rest and rest[0] in hooks:
            hooks[rest[0]] |= call.body
            self._send(200, hooks[rest[0]])
        else:
            self._error(404, 1021, "Объект не найден")

    def _fields(self, call: Call) -> None:
        """Custom fields of counterparties."""
        fields = self.account.fields
        for one in call.body or ():
            number = str(uuid.uuid4())
            href = f"{self.account.base_url}{call.path}/{number}"
            fields.append(
                {"id": number, "meta": {"href": href, "type": "attributemetadata"}, **one}
            )
        if call.method == "GET":
            self._rows(fields, call.query)
        else:
            self._send_any(200, fields)

    def _change_many(self, body: list[Json]) -> None:
        """Each part is answered for itself; only listed fields change, whole numbers in `long`."""
        account, told = self.account, []
        types = {field["meta"]["href"]: field["type"] for field in account.fields}
        for part in body:
            found = account.objects["counterparty"].get(part["meta"]["href"].rpartition("/")[2])
            if found is None:
                told.append({"errors": [{"error": "Объект не найден", "code": 1021}]})
                continue
            wrong = [
                one for one in part["attributes"]
                if types.get(one["meta"]["href"]) == "long" and type(one["value"]) is not int
            ]  # fmt: skip
            if wrong:
                told.append({"errors": [{"error": "Неверный тип", "code": 2016}]})
                continue
            kept = {one["meta"]["href"]: one for one in found.get("attributes", [])}
            kept |= {one["meta"]["href"]: one for one in part["attributes"]}
            found["attributes"] = list(kept.values())
            told.append(found)
        self._send_any(200, told)

    def _list(self, kind: str, query: dict[str, str]) -> None:
        if kind in self.account.made:
            most, make = self.account.made[kind]
            begin, size = int(query.get("offset", 0)), int(query["limit"])
            self._send(200, {"rows": [make(one) for one in range(most)[begin : begin + size]]})
            return
        conditions = [one for one in query.get("filter", "").split(";") if one]
        deleted = "isDeleted=true" in conditions
        rows = list(
            (self.account.binned if deleted else self.account.objects).get(kind, {}).values()
        )
        ids = {one[3:] for one in conditions if one.startswith("id=")}
        if ids:
            rows = [row for row in rows if row["id"] in ids]
        for condition in conditions:
            rows = [row for row in rows if meets(row, condition)]
        name = query.get("order", "id,asc").partition(",")[0]
        self._rows(sorted(rows, key=lambda row: (row[name], row["id"])), query, name="list")

    def _one(self, steps: list[str], query: dict[str, str]) -> None:
        kind, number = steps[1], steps[2]
        found = self.account.objects.get(kind, {}).get(number)
        found = found or self.account.binned.get(kind, {}).get(number)
        if found is None:
            self._error(404, 1021, "Объект с таким идентификатором не найден")
        elif len(steps) == 4:
            self._rows(found["positions"]["rows"], query)
        else:
            self._send(200, self._shown(copy.deepcopy(found), query.get("expand", "").split(",")))
