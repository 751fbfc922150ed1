"""Calls to MoySklad's JSON API 1.2.  No translation: what comes back is plain JSON data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from loyalty_kit.errors import (
    ConnectorError,
    CredentialsRejected,
    Gone,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.pacing import Pace, asked_pause_s
from loyalty_kit.ports import ClientContext, Settings
from loyalty_kit.transport import call, json_of, session

Json = dict[str, Any]
Params = dict[str, str]

PAGE = 100
"""`expand` is ignored, without a word, where `limit` is above 100."""
MOST = 1000
UNITS, PERIOD_S, AT_ONCE = 44, 3.0, 5
"""45 units in 3 seconds are a token's, of which one is left over, and so many calls at once."""
WEIGHT = {"solution": 1, "user": 4}
"""Units that one call costs (since 2026-12-01)."""
PARALLEL = 1073
"""The error code of more than five calls at once, which comes with 429 and no pause."""
NO_SUCH_OBJECT = 1021
HOOKS = "/entity/webhook"
FIELDS = "/entity/counterparty/metadata/attributes"
SORTED_HERE = (400, 401, 403, 404, 412, 415, 429)
LONGEST_PAUSE_S = 3600.0


def make_client(context: ClientContext) -> MoySklad:
    calls = UNITS // WEIGHT[context.settings["token_kind"]]
    guarded = session(
        allow_private=context.allow_private,
        pace=Pace(calls, PERIOD_S, AT_ONCE, account=context.settings["api_token"]),
        asked_pause=vendors_pause_s,
    )
    # Any other value, or none, is answered 415 without a body.
    guarded.headers["Accept-Encoding"] = "gzip"
    return MoySklad(guarded, context.settings)


def vendors_pause_s(headers: Mapping[str, str]) -> float:
    """Seconds that a 429 asks for; MoySklad tells thousandths, in a header of its own."""
    text = headers.get("X-Lognex-Retry-After", "")
    if text.isascii() and text.isdigit():
        return min(int(text) / 1000, LONGEST_PAUSE_S)
    return asked_pause_s(headers)


class MoySklad:
    """One account, for one installation; used by one thread at a time.

    Every method raises CredentialsRejected, RateLimited, RemoteUnavailable and
    RemoteMisconfigured; those that ask for one object also Gone.
    """

    def __init__(self, http: requests.Session, settings: Settings) -> None:
        self.settings = settings
        self._http = http
        self._root = settings["api_url"].rstrip("/")
        # Seconds since 1970 by MoySklad's clock, as it last told.
        self.server_time = 0
        self._fields: list[Json] | None = None

    # Reading

    def one(self, kind: str, number: str, expand: str) -> Json:
        params = {"expand": expand} if expand else {}
        return self._object("GET", f"/entity/{kind}/{number}", params)

    def rows(self, path: str, params: Params) -> list[Json]:
        """One page of a list."""
        answer = self._object("GET", path, params)
        rows = answer.get("rows")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise RemoteMisconfigured(f"{path} did not answer a list")
        return rows

    def all(self, path: str, params: Params | None = None, size: int = MOST) -> list[Json]:
        """Every page of a list that does not change much meanwhile."""
        found: list[Json] = []
        page: list[Json] = []
        while not found or len(page) == size:
            limits = {"limit": str(size), "offset": str(len(found))}
            page = self.rows(path, {**(params or {}), **limits})
            found += page
            if not page:
                break
        return found

    def stock(self, articles: Sequence[str]) -> list[Json]:
        """What stores have of these articles now; none of it where there is nothing left."""
        address, token = f"{self._root}/report/stock/bystore/current", self.settings["api_token"]
        params = {"filter": "assortmentId=" + ",".join(articles)}
        rows = json_of(self._call("GET", address, token, params=params))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise RemoteMisconfigured("the report of stock did not answer a list")
        return rows

    # Webhooks

    def make_webhook(self, address: str, kind: str, action: str) -> None:
        body = {"url": address, "action": action, "entityType": kind}
        self._object("POST", HOOKS, {}, body)

    def switch_on(self, webhook: str, address: str) -> None:
        body = {"url": address, "enabled": True}
        self._object("PUT", f"{HOOKS}/{webhook}", {}, body)

    # Fields of counterparties

    def fields(self) -> list[Json]:
        """The owner's own fields of counterparties, asked for once."""
        if self._fields is None:
            self._fields = self.all(FIELDS)
        return self._fields

    def make_field(self, name: str, kind: str) -> None:
        self._fields = None
        body = [{"name": name, "type": kind, "required": False}]
        self._done("POST", FIELDS, body)

    def write_fields(self, counterparty: str, values: Iterable[tuple[Json, Any]]) -> None:
        """By the call that changes many: of single changes MoySklad bears 100 a minute."""
        meta = {"href": f"{self._root}/entity/counterparty/{counterparty}", "type": "counterparty"}
        written = [{"meta": field.get("meta"), "value": value} for field, value in values]
        self._done("POST", "/entity/counterparty", [{"meta": meta, "attributes": written}])

    # The Vendor API

    def put(self, address: str, body: Json, *, bearer: str, also: Collection[int] = ()) -> None:
        """Also taken: the statuses in `also`."""
        self._call("PUT", address, bearer, also, json=body)

    def post(self, address: str, *, bearer: str) -> Json:
        """An empty call that is answered with an object."""
        answer = json_of(self._call("POST", address, bearer))
        if not isinstance(answer, dict):
            raise RemoteMisconfigured("the Vendor API did not answer an object")
        return answer

    # Calls

    def _done(self, method: str, path: str, body: list[Json]) -> None:
        """Each part of a change of many is answered for itself."""
        address, token = f"{self._root}{path}", self.settings["api_token"]
        response = self._call(method, address, token, json=body)
        answer = json_of(response)
        for part in answer if isinstance(answer, list) else ():
            codes = _codes(part)
            if NO_SUCH_OBJECT in (codes or ()):
                raise Gone(f"{path}: there is no such object")
            if codes is not None:
                told = ", ".join(map(str, codes)) or "no code"
                raise RemoteMisconfigured(f"{path} was refused: {told}")

    def _object(self, method: str, path: str, params: Params, body: Json | None = None) -> Json:
        address, token = f"{self._root}{path}", self.settings["api_token"]
        answer = json_of(self._call(method, address, token, params=params, json=body))
        if not isinstance(answer, dict):
            raise RemoteMisconfigured(f"{path} did not answer an object")
        return answer

    def _call(
        self, method: str, address: str, bearer: str, also: Collection[int] = (), **kwargs: Any
    ) -> requests.Response:
        accept = {*SORTED_HERE, *also}
        # Bytes, because requests encodes texts as Latin-1.
        headers = {"Authorization": f"Bearer {bearer}".encode()}
        response = call(self._http, method, address, accept=accept, headers=headers, **kwargs)
        self.server_time = _time_of(response) or self.server_time
        if response.status_code in SORTED_HERE:
            raise refusal(response)
        return response


def _time_of(response: requests.Response) -> int:
    """0 where it is not told."""
    try:
        return int(parsedate_to_datetime(response.headers.get("Date", "")).timestamp())
    except ValueError:
        return 0


def codes_of(response: requests.Response) -> list[int] | None:
    """The codes of an error as MoySklad tells it; None for a page of whoever else answered."""
    try:
        body = json_of(response)
    except RemoteMisconfigured:
        return None
    return _codes(body) or []


def _codes(body: Any) -> list[int] | None:
    """None where no errors are told."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return None
    told = (error.get("code") for error in errors if isinstance(error, dict))
    return [code for code in told if isinstance(code, int)]


def refusal(response: requests.Response) -> ConnectorError:
    """A 404 means that a document is gone only where MoySklad itself says so."""
    status, codes, host = response.status_code, codes_of(response), urlsplit(response.url).hostname
    told = ", ".join(map(str, codes or ())) or "no code"
    if status == 429:
        pause_s = vendors_pause_s(response.headers)
        return RateLimited(
            f"{host} asks for a pause: {told}",
            retry_after_s=pause_s or (3.0 if PARALLEL in (codes or ()) else 60.0),
        )
    if status == 404:
        if codes:
            return Gone(f"{host} has no such object")
        return RemoteMisconfigured(f"{host} has no JSON API at this address")
    if status == 403 and codes is None:
        return RemoteUnavailable(f"{host} answered 403 with a page that is not MoySklad's")
    if status in (401, 403):
        why = "is the token alive, and may its owner see sales, returns, counterparties, goods?"
        return CredentialsRejected(f"{host} refused the token: {told}; {why}")
    if status == 415:
        return RemoteMisconfigured(f"{host} answered 415: something on the way drops gzip")
    return RemoteMisconfigured(f"{host} answered {status}: {told}")
