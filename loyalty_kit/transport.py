"""The one way out: a requests session that cannot hang, run wild or look inside.

* Time-outs always, also for an answer that drips; proxies and netrc of the machine are ignored.
* Repeats only what is safe to repeat: GET, HEAD, and calls with an `Idempotency-Key`.
* Paces calls to one host; answers and redirects are limited.
* Only https, only to public addresses, checked at connect and on every redirect, unless
  private addresses are allowed.
* Logs method, host, path and status; never a query, a header or a body.
"""

from __future__ import annotations

import http.cookiejar
import logging
import re
import ssl
from collections.abc import Collection
from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.util.retry import Retry as UrllibRetry

from loyalty_kit import KIT_VERSION
from loyalty_kit.addresses import GUARDED_POOLS, AddressRefused
from loyalty_kit.errors import (
    AnswerLost,
    AnswerUnclear,
    ConnectorError,
    CredentialsRejected,
    Gone,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.json_text import read_json
from loyalty_kit.pacing import AskedPause, Pace, Pacer, Repeat, Turn, Waiting, asked_pause_s
from loyalty_kit.redact import redact_text
from loyalty_kit.seen import note

USER_AGENT = f"loyalty-hub/{KIT_VERSION}"
TIMEOUT_S = (5.0, 30.0)
"""To connect, and between two bytes of the answer."""
WHOLE_ANSWER = 4
"""An answer may take this many times the read time-out, however steadily it drips."""
MAX_ANSWER_BYTES = 10 * 1024 * 1024
MAX_REDIRECTS = 3
REPEATS = 2
RETRY_AFTER_S = 60.0
RETRY_AFTER_S_MOST = 86400.0

_REPEATED = frozenset({429, 502, 503, 504})
_TEMPORARY = frozenset({408, 425})
_WAITED_IN_VAIN = frozenset({504, 524})
"""What stands before the remote handed it the call and got no answer in time (RFC 9110, section
15.6.5; 524 is Cloudflare's)."""
_CHUNK = 64 * 1024

_log = logging.getLogger(__name__)

_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""Of the call that this thread is making."""


class _Wire(HTTPAdapter):
    """requests' adapter over guarded connections."""

    def __init__(self, *, allow_private: bool, retries: UrllibRetry) -> None:
        self._allow_private = allow_private
        super().__init__(max_retries=retries)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        if not self._allow_private:
            self.poolmanager.pool_classes_by_scheme = dict(GUARDED_POOLS)


class Guard(BaseAdapter):
    """Guards each single call, redirects included."""

    longest_s: ClassVar[float | None] = None
    """No time-out and no pause between tries is longer.  The conformance suite lowers it."""

    def __init__(
        self,
        *,
        allow_private: bool,
        pace: Pace | None,
        timeout_s: tuple[float, float],
        waiting: Waiting,
        asked_pause: AskedPause = asked_pause_s,
    ) -> None:
        super().__init__()
        self._allow_private = allow_private
        self._pacer = None if pace is None else Pacer(pace, waiting)
        self._timeout_s = timeout_s
        self._waiting = waiting
        repeat = Repeat(
            total=REPEATS,
            other=0,
            allowed_methods=None,
            status_forcelist=_REPEATED,
            backoff_factor=0.25,
            raise_on_status=False,
        )
        repeat.pause, repeat.asked = self._pause, asked_pause
        once = UrllibRetry(0, raise_on_status=False, respect_retry_after_header=False)
        self._repeating = _Wire(allow_private=allow_private, retries=repeat)
        self._single = _Wire(allow_private=allow_private, retries=once)

    def close(self) -> None:
        self._repeating.close()
        self._single.close()

    def send(  # type: ignore[override]  # requests' own annotations differ by version
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        **kwargs: Any,
    ) -> requests.Response:
        """Raises: AddressRefused, RateLimited (no turn), AnswerUnclear (answer too large),
        requests' errors."""
        parts = urlsplit(request.url or "")
        if parts.scheme != "https" and not self._allow_private:
            raise AddressRefused("only https addresses may be called")
        host = parts.netloc.rpartition("@")[2]
        with nullcontext() if self._pacer is None else self._pacer.turn(host) as turn:
            token = _turn.set(turn)
            try:
                return self._send(request, parts, timeout, kwargs)
            finally:
                _turn.reset(token)

    def _send(
        self,
        request: requests.PreparedRequest,
        parts: SplitResult,
        timeout: Any,
        kwargs: dict[str, Any],
    ) -> requests.Response:
        started = self._waiting.clock()
        connect_s, read_s = self._limits(timeout)
        kwargs.update(stream=True, timeout=(connect_s, read_s), proxies=None)
        status: object = "failed"
        try:
            wire = self._repeating if _may_be_repeated(request) else self._single
            response = wire.send(request, **kwargs)
            status = response.status_code
            note(response.headers)
            self._read(response, started + connect_s + WHOLE_ANSWER * read_s)
        finally:
            took_ms = round((self._waiting.clock() - started) * 1000)
            path = "/".join(redact_text(part) for part in redact_text(parts.path).split("/"))
            _log.info("%s %s%s %s %d ms", request.method, parts.hostname, path, status, took_ms)
        return response

    def _pause(self, seconds: float) -> None:
        """Between two tries, each of which is a call for the vendor."""
        longest, turn = self.longest_s, _turn.get()
        if turn is not None:
            turn.end()
        self._waiting.sleep(seconds if longest is None else min(seconds, longest))
        if turn is not None:
            turn.begin()

    def _limits(self, timeout: Any) -> tuple[float, float]:
        given = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        connect_s, read_s = (
            standard if one is None else float(one)
            for one, standard in zip(given, self._timeout_s, strict=True)
        )
        longest = self.longest_s
        if longest is not None:
            return min(connect_s, longest), min(read_s, longest)
        return connect_s, read_s

    def _read(self, response: requests.Response, until: float) -> None:
        """Reads the whole answer into `response`, within the limits of size and time."""
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise AnswerUnclear(
                        f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MiB"
                    )
                if self._waiting.clock() > until:
                    raise requests.exceptions.ReadTimeout("the answer takes too long")
        except urllib3.exceptions.DecodeError as error:
            raise requests.exceptions.ContentDecodingError(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.ConnectionError(type(error).__name__) from error
        except BaseException:
            response.close()
            raise
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]  # requests' own flag
        response.close()


def _may_be_repeated(request: requests.PreparedRequest) -> bool:
    return request.method in ("GET", "HEAD") or "Idempotency-Key" in request.headers


class _Session(requests.Session):
    """Follows redirects only where that means the same call."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Raises: AddressRefused, RemoteMisconfigured."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        if _parts(target) is None:
            raise RemoteMisconfigured("the remote redirects to something that is no address")
        if urlsplit(resp.url).scheme == "https" and target.lower().startswith("http:"):
            raise AddressRefused("the remote redirects from https to http")
        if resp.request.method not in ("GET", "HEAD"):
            raise RemoteMisconfigured(
                f"the remote redirects a {resp.request.method}; give the address it redirects to"
            )
        return target


def session(  # noqa: PLR0913 - each is a word of its own to the caller
    *,
    allow_private: bool,
    pace_per_s: float | None = None,
    pace: Pace | None = None,
    timeout_s: tuple[float, float] = TIMEOUT_S,
    user_agent: str = USER_AGENT,
    waiting: Waiting | None = None,
    asked_pause: AskedPause = asked_pause_s,
) -> requests.Session:
    """A guarded session for one client of one installation.

    `pace`, or `pace_per_s` (so many calls in any second to one host): counted over all sessions
    of the process, and in a hub with Redis over all its processes.  Redirects and repeats count.
    `timeout_s`: to connect, and between two bytes.  `asked_pause`: for vendors that ask for
    pauses by other headers than `Retry-After`.  Keeps no cookies.
    """
    adapter = Guard(
        allow_private=allow_private,
        pace=Pace.per_second(pace_per_s) if pace is None and pace_per_s else pace,
        timeout_s=timeout_s,
        waiting=waiting or Waiting(),
        asked_pause=asked_pause,
    )
    made = _Session()
    made.trust_env = False
    made.max_redirects = MAX_REDIRECTS
    made.headers["User-Agent"] = user_agent
    made.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    made.adapters.clear()
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_QUERIES_OUT)
    return made


class _QueriesOut(logging.Filter):
    """urllib3 logs whole addresses, and some vendors take their keys in the query."""

    _QUERY = re.compile(r"\?[^\s\"']*")

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._QUERY.sub("?", redact_text(record.getMessage())), ()
        return True


_QUERIES_OUT = _QueriesOut()


def call(
    session: requests.Session,
    method: str,
    url: str,
    *,
    accept: Collection[int] = (),
    **kwargs: Any,
) -> requests.Response:
    """One call whose failure is sorted; 2xx and the statuses in `accept` are returned.

    `kwargs` are those of `requests.Session.request`.

    Raises: CredentialsRejected (401, 403), Gone (404, 410), RateLimited (429),
    RemoteUnavailable (5xx, no connection), AnswerLost (time-out, also of a proxy, broken off),
    AnswerUnclear (too large, or coded as nothing can be), RemoteMisconfigured (the rest).
    """
    parts = _parts(url)
    if parts is None or not parts.hostname:
        raise RemoteMisconfigured("not a web address")
    host = parts.hostname
    try:
        response = session.request(method, url, **kwargs)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # Not chained: the texts of these errors hold the whole address, keys included.
        raise _failure(error, host) from None
    if response.status_code not in accept:
        raise_for_status(response)
    return response


def _parts(url: str) -> SplitResult | None:
    """The parts of an address, None where it cannot be taken apart."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def raise_for_status(response: requests.Response) -> None:
    """Raises what `call` raises for an answer that is not 2xx."""
    status = response.status_code
    if 200 <= status < 300:
        return
    said = f"{urlsplit(response.url).hostname} answered {status}"
    if status in (401, 403):
        raise CredentialsRejected(said)
    if status in (404, 410):
        raise Gone(said)
    if status == 429:
        asked = asked_pause_s(response.headers) or RETRY_AFTER_S
        raise RateLimited(said, retry_after_s=min(asked, RETRY_AFTER_S_MOST))
    if status in _WAITED_IN_VAIN:
        raise AnswerLost(said)
    if status >= 500 or status in _TEMPORARY:
        raise RemoteUnavailable(said)
    raise RemoteMisconfigured(said)


def json_of(response: requests.Response) -> Any:
    """The answer's JSON.

    Raises: AnswerUnclear, as for a page of HTML that a proxy or a plugin put in its place.
    """
    try:
        return _read(response)
    except ValueError:
        kind = response.headers.get("Content-Type", "").partition(";")[0] or "no content type"
        host = urlsplit(response.url).hostname
        raise AnswerUnclear(f"{host} did not answer JSON but {kind}") from None


def _read(response: requests.Response) -> Any:
    """JSON is UTF-8 (RFC 8259, section 8.1); some tell it in another charset all the same.

    Raises: ValueError.
    """
    try:
        return read_json(response.content)
    except UnicodeDecodeError:
        return read_json(response.text.encode())


_OUR_ADDRESS_IS_WRONG = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.TooManyRedirects,
    urllib3.exceptions.LocationValueError,
)


def _failure(error: Exception, host: str) -> ConnectorError:
    name = type(error).__name__
    if isinstance(error, _OUR_ADDRESS_IS_WRONG):
        return RemoteMisconfigured(f"{host}: {name}")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return AnswerUnclear(f"{host}: {name}")
    if isinstance(error, requests.exceptions.SSLError) and _certificate_is_wrong(error):
        return RemoteMisconfigured(f"{host}: its certificate is not valid")
    if _went_out(error):
        return AnswerLost(f"{host}: {name}")
    return RemoteUnavailable(f"{host}: {name}")


def _went_out(error: Exception) -> bool:
    """Whether the remote may have the call; urllib3 gives up by `MaxRetryError` where it found no
    way there, and where a call that may be repeated failed each time."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError):
        return False
    inside = error.args[0] if error.args else None
    return not isinstance(inside, urllib3.exceptions.MaxRetryError)


def _certificate_is_wrong(error: BaseException) -> bool:
    """Searches what urllib3 and requests wrapped round the error of the TLS library."""
    todo: list[object] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, ssl.SSLCertVerificationError):
            return True
        if isinstance(one, BaseException):
            todo += [*one.args, getattr(one, "reason", None)]
    return False
