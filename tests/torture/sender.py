"""Senders as real ones are: what was not answered is sent again, with the same key.

2xx and 4xx are answers.  503 with Retry-After, a connection that breaks, and silence are not;
any other 5xx is a finding.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from loyalty_kit.money import format_decimal
from tests.support.shopfloor import signed
from tests.torture.stage import Stage
from tests.torture.story import HOLD_S, Checkout, Deed, Event, Gift, Quote, Story

ANSWER_S = 15.0
PATIENCE_S = 120.0
_PAUSE_S = 0.15


class Unanswered(Exception):
    """No answer that counts within the sender's patience."""


class Running(Exception):
    """409 `in_progress`: the call that was cut off still has its key, for two minutes."""


@dataclass
class Tally:
    """What the senders saw; `findings` are answers that nobody declared."""

    gone: int = 0
    """Deeds that were sent, however it ended."""
    acknowledged: int = 0
    repeats: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    in_progress: int = 0
    parked: list[Deed] = field(default_factory=list)
    deliveries: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    last_started: float = 0.0
    horizon: int | None = None
    """Up to so many deeds the senders may go now; None: as far as they can."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_go_on(self) -> bool:
        horizon = self.horizon
        return horizon is None or self.gone < horizon

    def answered(self, started: float) -> None:
        with self.lock:
            self.last_started = max(self.last_started, started)

    def finds(self, text: str) -> None:
        with self.lock:
            self.findings.append(text)


class Senders:
    """So many threads that take the story's deeds in turn."""

    def __init__(self, stage: Stage, story: Story, tally: Tally, threads: int = 8) -> None:
        self._stage, self._tally = stage, tally
        self._deeds: Iterator[Deed] = iter(story.deeds)
        self._turn = threading.Lock()
        self._pause = threading.Event()
        self._threads = [threading.Thread(target=self._send_on) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def sending(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _send_on(self) -> None:
        sender = Sender(self._stage, self._tally)
        while True:
            if self._tally.may_go_on():
                with self._turn:
                    deed = next(self._deeds, None)
                if deed is None:
                    return
                sender.send(deed)
            else:
                self._pause.wait(_PAUSE_S / 10)


class Sender:
    """One thread's connection."""

    def __init__(self, stage: Stage, tally: Tally) -> None:
        self._stage, self._tally = stage, tally
        self._session = requests.Session()
        self._ways = {
            Event: self._tell,
            Quote: self._quote,
            Checkout: self._check_out,
            Gift: self._give,
        }

    def send(self, deed: Deed) -> None:
        try:
            self._ways[type(deed)](deed)
        except Running:
            with self._tally.lock:
                self._tally.in_progress += 1
                self._tally.parked.append(deed)
        except Unanswered as error:
            self._tally.finds(f"never answered: {error}")
        else:
            with self._tally.lock:
                self._tally.acknowledged += 1
        with self._tally.lock:
            self._tally.gone += 1

    def enrol(self, phone: str) -> str:
        """A member's id."""
        body = {"phone": phone}
        return str(self._api("POST", "/members", body, {201})["id"])

    # --- deeds ------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        if event.number is not None:
            self._deliver(event.wire, event.number)
            return
        path = "/refunds" if event.wire["type"] == "refund" else "/purchases"
        body = {name: said for name, said in event.wire.items() if name != "type"}
        self._api("POST", path, body, {200, 201, 202}, key=event.key)
        self._told(event.wire)

    def _deliver(self, wire: Mapping[str, Any], number: str) -> None:
        body = json.dumps({"no": number, "event": wire}).encode()
        self._call("POST", self._stage.hook, body, signed(body), {200})
        with self._tally.lock:
            self._tally.deliveries.add(number)
        self._told(wire)

    def _told(self, wire: Mapping[str, Any]) -> None:
        with self._tally.lock:
            self._tally.events.add(wire["external_id"])

    def _quote(self, deed: Quote) -> None:
        amount = format_decimal(deed.amount)
        lines = [{"id": "1", "sku": "SKU-1", "quantity": "1", "amount": amount}]
        body = {"member": {"phone": deed.person.phone}, "lines": lines}
        if self._api("POST", "/quotes", body, {200}).get("degraded"):
            with self._tally.lock:
                self._tally.degraded += 1

    def _check_out(self, deed: Checkout) -> None:
        lines = [
            {name: line[name] for name in ("id", "sku", "quantity", "amount")}
            for line in deed.sale.wire["lines"]
        ]
        member = {"phone": deed.person.phone, "verified": True}
        body = {
            "cart": deed.cart,
            "member": member,
            "lines": lines,
            "spend": format_decimal(deed.spend),
            "ttl_s": HOLD_S,
        }
        held = self._api("POST", "/holds", body, {201, 409}, key=f"hold-{deed.cart}")
        if held.get("code") is not None:
            if held["code"] != "not_enough_points":
                self._tally.finds(f"a hold was refused: {held['code']}")
            return
        if deed.then == "drop":
            self._api("DELETE", f"/holds/{held['id']}", None, {204}, key=f"drop-{deed.cart}")
        elif deed.then == "buy":
            number = f"D-{deed.cart}" if deed.sale.by_hook else None
            deed.sale.told = True
            self._tell(Event(deed.sale.wire, number))

    def _give(self, gift: Gift) -> None:
        body = {"amount": format_decimal(gift.points), "reason": "torture"}
        path = f"/members/{gift.person.member}/adjustments"
        said = self._api("POST", path, body, {201, 409}, key=gift.key)
        if said.get("code") not in (None, "not_enough_points"):
            self._tally.finds(f"an adjustment was refused: {said['code']}")
        gift.moved = "code" not in said

    # --- the wire ---------------------------------------------------------------------------

    def _api(
        self, method: str, path: str, body: Any, expected: set[int], key: str | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._stage.key}", "Content-Type": "application/json"}
        headers |= {} if key is None else {"Idempotency-Key": key}
        told = None if body is None else json.dumps(body).encode()
        answer = self._call(method, f"/api/v1{path}", told, headers, expected)
        document: dict[str, Any] = json.loads(answer.content or b"{}")
        return document

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        expected: set[int],
    ) -> requests.Response:
        """Again and again until it is answered.  Raises: Running, Unanswered."""
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            started = time.monotonic()
            with suppress(requests.RequestException):
                answer = self._session.request(
                    method,
                    self._stage.address + path,
                    data=body,
                    headers=dict(headers),
                    timeout=ANSWER_S,
                )
                if self._is_answer(answer, f"{method} {path}", expected):
                    self._tally.answered(started)
                    return answer
            with self._tally.lock:
                self._tally.repeats += 1
            pause.wait(_PAUSE_S)
        raise Unanswered(f"{method} {path}")

    def _is_answer(self, answer: requests.Response, what: str, expected: set[int]) -> bool:
        status = answer.status_code
        if status >= 500:
            with self._tally.lock:
                self._tally.refused[str(status)] += 1
            if status != 503 or "Retry-After" not in answer.headers:
                self._tally.finds(f"{what}: an undeclared {status}: {answer.text[:200]}")
            return False
        if status == 409 and answer.json()["code"] == "in_progress":
            raise Running
        if status not in expected:
            self._tally.finds(f"{what}: {status} was not expected: {answer.text[:300]}")
        return True
