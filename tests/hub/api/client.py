"""A caller of the API with a key of one programme."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

from hub.wiring import Hub
from loyalty_core.domain.rules import default_rules
from loyalty_core.service.api_keys import SCOPES, create_key
from loyalty_core.service.programmes import create_programme
from loyalty_core.store.database import transact
from loyalty_core.store.tables import entries, members, purchases, refunds


@dataclass(frozen=True)
class Caller:
    app: Flask
    key: str
    language: str = "en"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        sent = {
            "Authorization": f"Bearer {self.key}",
            "Accept-Language": self.language,
            **(headers or {}),
        }
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.app.test_client().open(f"/api/v1{path}", method=method, data=data, headers=sent)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("POST", path, body, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("PUT", path, body, **kwargs)

    def patch(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.call("PATCH", path, body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.call("DELETE", path, **kwargs)


def new_programme(hub: Hub, code: str) -> int:
    """A programme that earns 5 percent and takes points for up to 30 percent; its id."""
    rules = default_rules(earn_percent=5, spend_limit_percent=30)
    return transact(
        hub.engine,
        lambda connection: create_programme(
            connection, code=code, document=rules, author="test", now=hub.clock.now()
        ),
    ).id


def new_key(
    hub: Hub, programme_id: int, *, scopes=SCOPES, shops=None, channels=None, name: str = "till"
) -> Any:
    return transact(
        hub.engine,
        lambda connection: create_key(
            connection,
            programme_id=programme_id,
            name=name,
            scopes=scopes,
            shops=shops,
            channels=channels,
            now=hub.clock.now(),
        ),
    )


def code_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert answer.content_type == "application/problem+json", answer.get_data(as_text=True)
    return answer.status_code, answer.get_json()["code"]


def stored(engine: Engine) -> int:
    """How many rows there are of what callers tell."""
    with engine.connect() as connection:
        return sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (members, purchases, refunds, entries)
        )
