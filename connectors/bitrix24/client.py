"""Calls to a portal's REST, by its incoming webhook or as a local application.

No translation: plain JSON comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from connectors.bitrix24.oauth import is_application, renewed
from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    Gone,
    InstallAgain,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.pacing import asked_pause_s
from loyalty_kit.ports import ClientContext, Keep, Settings
from loyalty_kit.transport import call, json_of, session

Json = dict[str, Any]

PAGE = 50
"""Lists have no other size."""
PER_S = 2.0
"""The bucket of a portal drains so fast; what does not go faster never fills it."""
PAUSE_S = 60.0
OPERATING_PAUSE_S = 600.0
"""A method that was called for too long is free again after ten minutes at most."""
EXPIRED = "expired_token"
SORTED_HERE = (400, 401, 403, 404, 405, 429, 500, 503)
GONE_CODES = frozenset({"not_found", "200540400001", "201240400001"})
GONE_WORDS = "does not exist"
"""The two numbers are those of `sale.order.get`: its sample shows one, its table the other."""
MENDED_BY_THE_OWNER = frozenset({"overload_limit", "portal_deleted"})


def make_client(context: ClientContext) -> Portal:
    guarded = session(allow_private=context.allow_private, pace_per_s=PER_S)
    return Portal(guarded, context.settings, context.keep)


class Portal:
    """One portal, for one installation; used by one thread at a time.

    Every method raises CredentialsRejected, RateLimited, RemoteUnavailable and
    RemoteMisconfigured; those that ask for one object also Gone.
    """

    def __init__(self, http: requests.Session, settings: Settings, keep: Keep | None) -> None:
        self.settings = settings
        self._http, self._keep = http, keep
        root, user = settings["portal"].rstrip("/"), settings["webhook_user"]
        self._root = f"{root}/rest/{user}/{settings['webhook_secret']}"
        self._token: str | None = None
        if is_application(settings):
            self._root, self._token = settings["client_endpoint"].rstrip("/"), self._installed()

    def call(self, method: str, told: Mapping[str, Any], *, of_one: bool = False) -> Any:
        """The `result` of one method; `of_one`: it names one object, which may be gone."""
        answer = self._call(method, told)
        if self._token and _told(answer)[0] == EXPIRED:
            fresh = renewed(self._http, self.settings, self._keep, self._token)
            self._token = fresh["access_token"]
            answer = self._call(method, told)
        if not 200 <= answer.status_code < 300:
            raise refusal(method, answer, of_one=of_one)
        body = json_of(answer)
        if not isinstance(body, dict) or "result" not in body:
            raise RemoteMisconfigured(f"{method} did not answer as the vendor says")
        return body["result"]

    def _call(self, method: str, told: Mapping[str, Any]) -> requests.Response:
        body = {**told, "auth": self._token} if self._token else dict(told)
        return call(
            self._http, "POST", f"{self._root}/{method}.json", json=body, accept=SORTED_HERE
        )

    def _installed(self) -> str:
        """Raises: InstallAgain."""
        token: str = self.settings["access_token"]
        if not token or not self.settings["client_endpoint"]:
            raise InstallAgain("the application is not installed in the portal yet")
        return token

    def one(self, method: str, name: str, told: Mapping[str, Any]) -> Json:
        """An object that stands in the result under its name."""
        result = self.call(method, told, of_one=True)
        found = result.get(name) if isinstance(result, dict) else None
        if not isinstance(found, dict):
            raise RemoteMisconfigured(f"{method} did not answer an object")
        return found

    def rows(self, method: str, name: str, told: Mapping[str, Any]) -> list[Json]:
        """One page of a list; `start` -1 leaves out the count, which is slow."""
        result = self.call(method, {**told, "start": -1})
        found = result.get(name, []) if isinstance(result, dict) else result
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise RemoteMisconfigured(f"{method} did not answer a list")
        return found


def refusal(method: str, answer: requests.Response, *, of_one: bool) -> ConnectorError:
    """By status, then by the vendor's code, whatever its case; descriptions may be personal."""
    status, code, description = answer.status_code, *_told(answer)
    said = f"{method} answered {status} {code}".rstrip()
    if code in MENDED_BY_THE_OWNER:
        return RemoteMisconfigured(f"{said}: the portal is closed or blocked by its vendor")
    if status in (401, 403):
        return CredentialsRejected(f"{said}: look at the webhook, its rights and its owner")
    if status == 429 or code == "query_limit_exceeded":
        long = OPERATING_PAUSE_S if code == "operation_time_limit" else PAUSE_S
        return RateLimited(said, retry_after_s=asked_pause_s(answer.headers) or long)
    if status >= 500:
        return RemoteUnavailable(said)
    if of_one and status in (400, 404) and _is_gone(code, description):
        return Gone(f"{method}: there is no such object")
    return RemoteMisconfigured(said)


def _is_gone(code: str, description: str) -> bool:
    """A method that is not there says nothing of the object that it was asked for."""
    return code in GONE_CODES or (GONE_WORDS in description and "method" not in code)


def _told(answer: requests.Response) -> tuple[str, str]:
    """Code and description in lower case; a code may be a text, a number, or empty."""
    try:
        body = json_of(answer)
    except RemoteMisconfigured:
        return "", ""
    told = body if isinstance(body, dict) else {}
    code = told.get("error", "")
    word = str(code).lower()[:50] if isinstance(code, str | int) else ""
    return word, str(told.get("error_description", "")).lower()
