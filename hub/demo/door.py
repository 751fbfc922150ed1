"""The front door, as a shop's till uses it: HTTP calls with an API key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from flask import Flask

API = "/api/v1"


class DemoFailed(RuntimeError):
    """The hub answered the demo as it should not have."""


class Door:
    """Calls of the API; an answer that is not among the `wanted` statuses ends the demo."""

    def __init__(self, app: Flask, key: str) -> None:
        self._client = app.test_client()
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **query: str) -> dict[str, Any]:
        asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        response = self._client.get(f"{API}{path}?{asked}", headers=self._headers)
        return self._answer(path, response, {200})

    def post(
        self, path: str, body: Mapping[str, Any], wanted: Collection[int] = (200, 201)
    ) -> dict[str, Any]:
        response = self._client.post(f"{API}{path}", json=body, headers=self._headers)
        return self._answer(path, response, wanted)

    def _answer(self, path: str, response: Any, wanted: Collection[int]) -> dict[str, Any]:
        answer: dict[str, Any] = response.get_json(silent=True) or {}
        if response.status_code not in wanted:
            raise DemoFailed(
                f"The demo stopped: {path} answered {response.status_code} {answer.get('code', '')}"
            )
        return answer
