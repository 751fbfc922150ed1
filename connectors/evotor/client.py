"""Calls to Evotor's cloud, version 2.  No translation: what comes back is plain JSON data."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    Gone,
    RateLimited,
    RemoteMisconfigured,
)
from loyalty_kit.pacing import asked_pause_s
from loyalty_kit.ports import ClientContext, Settings
from loyalty_kit.transport import call, json_of, session

Json = dict[str, Any]
Params = dict[str, str]

ACCEPT = "application/vnd.evotor.v2+json"
CALLS_PER_S = 10.0
"""Evotor names no number; its headers say when it is too much."""
SORTED_HERE = (400, 401, 402, 403, 404, 405, 410, 429)
LONGEST_PAUSE_S = 3600.0
AN_EPOCH = 1_000_000_000
"""`X-RateLimit-Reset` is a number of seconds in one place of the documents, a time in another."""


def make_client(context: ClientContext) -> Evotor:
    guarded = session(
        allow_private=context.allow_private,
        pace_per_s=CALLS_PER_S,
        asked_pause=vendors_pause_s,
    )
    guarded.headers["Accept"] = ACCEPT
    return Evotor(guarded, context.settings)


def vendors_pause_s(headers: Mapping[str, str]) -> float:
    """Seconds that a 429 asks for."""
    if (asked := asked_pause_s(headers)) > 0:
        return asked
    text = headers.get("X-RateLimit-Reset", "")
    if not (text.isascii() and text.isdigit()) or len(text) > len("1773502950371"):
        return 0.0
    pause_s = float(text)
    if pause_s >= AN_EPOCH:
        pause_s = max(0.0, pause_s - _time_of(headers)) if _time_of(headers) else 0.0
    return min(pause_s, LONGEST_PAUSE_S)


class Evotor:
    """One merchant's cloud, for one installation; used by one thread at a time.

    Every method raises CredentialsRejected, RateLimited, RemoteUnavailable and
    RemoteMisconfigured; those that ask for one object also Gone.
    """

    def __init__(self, http: requests.Session, settings: Settings) -> None:
        self.settings = settings
        self._http = http
        self._root = settings["api_url"].rstrip("/")
        self._header = settings["auth_header"]
        # Seconds since 1970 by Evotor's clock, as it last told.
        self.server_time = 0

    def document(self, store: str, number: str) -> Json:
        return self._object(f"/stores/{quote(store, safe='')}/documents/{quote(number, safe='')}")

    def documents(self, store: str, params: Params) -> tuple[list[Json], str | None]:
        return self.page(f"/stores/{quote(store, safe='')}/documents", params)

    def goods(self, store: str, kind: str, cursor: str | None) -> tuple[list[Json], str | None]:
        """`kind`: products or product-groups."""
        return self.page(f"/stores/{quote(store, safe='')}/{kind}", cursor_of(cursor))

    def stores(self) -> list[Json]:
        """All of them: an account has few."""
        return self._all("/stores")

    def devices(self) -> list[Json]:
        """All terminals of the account."""
        return self._all("/devices")

    def employees(self) -> list[Json]:
        """All of the account."""
        return self._all("/employees")

    def _all(self, path: str) -> list[Json]:
        found, cursor = self.page(path, {})
        seen = {cursor}
        while cursor is not None:
            rows, cursor = self.page(path, cursor_of(cursor))
            found += rows
            if cursor in seen:
                break
            seen.add(cursor)
        return found

    def page(self, path: str, params: Params) -> tuple[list[Json], str | None]:
        """One page of a list, and the cursor of the next."""
        answer = self._object(path, params)
        rows, paging = answer.get("items"), answer.get("paging")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise RemoteMisconfigured(f"{path} did not answer a list")
        cursor = paging.get("next_cursor") if isinstance(paging, dict) else None
        return rows, cursor if isinstance(cursor, str) and cursor else None

    def _object(self, path: str, params: Params | None = None) -> Json:
        answer = json_of(self._call(f"{self._root}{path}", params or {}))
        if not isinstance(answer, dict):
            raise RemoteMisconfigured(f"{path} did not answer an object")
        return answer

    def _call(self, address: str, params: Params) -> requests.Response:
        if not self.settings["cloud_token"]:
            raise CredentialsRejected(
                "there is no token of Evotor's cloud yet: install the application in Evotor's "
                "cabinet, or write its token into the settings"
            )
        response = self._once(address, params)
        if response.status_code == 401 and self._header == "auto":
            # Sources of 2018 know this header alone, the present pages the other.
            self._header = "x"
            response = self._once(address, params)
            if response.status_code in (401, 403):
                self._header = "auto"
        if response.status_code in SORTED_HERE:
            raise refusal(response)
        return response

    def _once(self, address: str, params: Params) -> requests.Response:
        # Bytes, because requests encodes texts as Latin-1.
        token = self.settings["cloud_token"]
        old = self._header == "x"
        headers = {
            "X-Authorization" if old else "Authorization": (
                token if old else f"Bearer {token}"
            ).encode()
        }
        accept = SORTED_HERE
        response = call(self._http, "GET", address, accept=accept, headers=headers, params=params)
        self.server_time = _time_of(response.headers) or self.server_time
        return response


def cursor_of(cursor: str | None) -> Params:
    return {} if cursor is None else {"cursor": cursor}


def _time_of(headers: Mapping[str, str]) -> int:
    """0 where it is not told."""
    try:
        return int(parsedate_to_datetime(headers.get("Date", "")).timestamp())
    except ValueError:
        return 0


def refusal(response: requests.Response) -> ConnectorError:
    """A 404 means that a document is gone only where Evotor itself says so, in JSON."""
    status, host = response.status_code, urlsplit(response.url).hostname
    if status == 429:
        return RateLimited(
            f"{host} asks for a pause",
            retry_after_s=vendors_pause_s(response.headers) or 60.0,
        )
    codes = _codes_of(response)
    told = ", ".join(map(str, codes or ())) or "no code"
    if status in (404, 410):
        if codes is not None:
            return Gone(f"{host} has no such object")
        return RemoteMisconfigured(f"{host} has no such address")
    if status in (401, 403):
        why = "is the application installed, with the rights to read documents, shops and goods?"
        return CredentialsRejected(f"{host} refused the token: {told}; {why}")
    if status == 402:
        return CredentialsRejected(f"{host} says that the application is not paid for")
    return RemoteMisconfigured(f"{host} answered {status}: {told}")


def _codes_of(response: requests.Response) -> list[int] | None:
    """The codes of an error as Evotor tells it; None for a page of whoever else answered."""
    try:
        body = json_of(response)
    except RemoteMisconfigured:
        return None
    errors = body.get("errors") if isinstance(body, dict) else None
    told = errors if isinstance(errors, list) else []
    codes = (error.get("code") for error in told if isinstance(error, dict))
    return [code for code in codes if isinstance(code, int)]
