"""A hub with a till connected that speaks UDS.

The programme gives 5 %, rounds down to whole points, and takes points for up to 30 %.  Anna has
a phone and a card.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from werkzeug.test import TestResponse

from loyalty_core.domain.rules import default_rules
from loyalty_core.service.enter_member import enter_member
from loyalty_core.service.members import NewMember
from loyalty_core.service.programmes import create_programme
from loyalty_core.service.source import Source
from loyalty_core.store.database import write
from tests.support.stage import PHONE, Stage

OPENING = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
COMPANY, KEY = "549755819292", "till-word-of-the-tests-00042"
CODE_KEY = "code-word-of-the-tests-00042"
CARD = "2000000012345"
Json = dict[str, Any]


class UdsStage(Stage):
    """One programme, one till, and a worker."""

    def __init__(
        self,
        engine: Engine,
        data_dir: Path,
        *,
        redis_url: str | None = None,
        document: Mapping[str, Any] | None = None,
        **settings: str,
    ) -> None:
        super().__init__(engine, data_dir, OPENING, redis_url=redis_url)
        rules = document or default_rules(earn_percent=5, spend_limit_percent=30)
        with write(engine) as connection:
            self.programme_id = create_programme(
                connection, code="demo", document=rules, author="test", now=OPENING
            ).id
            anna = NewMember(phone=PHONE, card=CARD, first_name="Анна", last_name="Смирнова")
            till = Source(self.programme_id, "test")
            self.anna = enter_member(connection, self.hub.plans, till, anna, now=OPENING).id
        form = {"company_id": COMPANY, "api_key": KEY, "code_key": CODE_KEY, **settings}
        self.installation = self.connect("uds", **form)
        self.calls = 0

    def says(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        proof: tuple[str, str] | None = (COMPANY, KEY),
        installation: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """A call of the till, with a name of its own."""
        self.calls += 1
        told = {"X-Origin-Request-Id": f"call-{self.calls}", **headers}
        if proof is not None:
            told["Authorization"] = basic(*proof)
        return self.app.test_client().open(
            f"/connect/{installation or self.installation.id}/{path}",
            method=method,
            json=body,
            query_string=query,
            headers=told,
        )

    def finds(self, **query: str) -> Json:
        return told(self.says("GET", "customers/find", query=query))

    def calculates(self, total: float, points: float = 0, **more: Any) -> Json:
        """For Anna's card, unless somebody else is named."""
        receipt = {"total": total, "points": points, **more.pop("receipt", {})}
        who = more or {"code": CARD}
        answer = told(self.says("POST", "operations/calc", {**who, "receipt": receipt}))
        found: Json = answer["purchase"]
        return found

    def operation(self, nonce: str, total: float, cash: float, points: float = 0) -> Json:
        return {
            "code": CARD,
            "nonce": nonce,
            "cashier": {"externalId": "7", "name": "Касса 1"},
            "receipt": {"total": total, "cash": cash, "points": points, "number": "12-1-318"},
        }

    def sells(self, nonce: str, total: float, cash: float, points: float = 0, **more: Any) -> Json:
        self.clock.advance(seconds=1)
        body = {**self.operation(nonce, total, cash, points), **more}
        return told(self.says("POST", "operations", body))

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        answer = self.says(method, path, body, **more)
        return answer.status_code, answer.json["errorCode"]


def basic(company: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{company}:{key}".encode()).decode()


def told(answer: TestResponse) -> Json:
    assert answer.status_code == 200, answer.text
    found: Json = answer.json
    return found
