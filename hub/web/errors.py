"""Every error that leaves over HTTP, as an RFC 9457 problem document.

One table sorts what the core raises into statuses; everything else that can go wrong at the
door has its code here.  Facts of an error stand beside the standard members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, has_request_context, request
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from hub.refusal import Refusal
from hub.web import sentences
from loyalty_core.domain.errors import (
    Busy,
    Conflict,
    Forbidden,
    InvalidInput,
    LoyaltyError,
    NotFound,
    Rejected,
    TooMany,
)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 2

STATUS: tuple[tuple[type[LoyaltyError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Rejected, 422),
    (Forbidden, 403),
    (TooMany, 429),
    (Busy, 503),
)
CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    404: "unknown_route",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "try_again",
}
_MACHINES = ("/api/", "/hooks/", "/connect/", "/pair", "/healthz", "/readyz", "/metrics")
_STANDARD = frozenset({"type", "title", "status", "code", "detail", "errors"})
_NAMED = frozenset({"channel", "currency", "lot", "programme", "shop"})
"""Facts that are what the caller named: the command line tells them, and no answer repeats a
value that was refused."""
_LEFT_OUT = _STANDARD | _NAMED

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a problem document says; `facts` are wire-ready and not personal."""

    status: int
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, language: str) -> bytes:
        document: dict[str, Any] = {
            "type": f"/api/docs#problem-{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": sentences.detail(self.code, language),
        }
        if self.errors is not None:
            document["errors"] = {
                path: [sentences.field_message(message, language) for message in messages]
                for path, messages in self.errors.items()
            }
        document |= {name: told for name, told in self.facts.items() if name not in _LEFT_OUT}
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")

    def response(self) -> Response:
        language = asked_language()
        answer = Response(self.body(language), self.status, content_type=CONTENT_TYPE)
        answer.headers["Content-Language"] = language
        answer.headers.extend(self.headers)
        return answer


def problem_of(error: LoyaltyError) -> Problem:
    """What the core raised, sorted by what the caller does next."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return Problem(
        status,
        error.code,
        facts=error.facts,
        errors=error.errors if isinstance(error, InvalidInput) else None,
        headers=_pause(error, status),
    )


def _pause(error: LoyaltyError, status: int) -> dict[str, str]:
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}


def asked_language() -> str:
    """The first of ours that the caller asked for, whatever country stands behind it."""
    asked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((language for language in asked if language in sentences.LANGUAGES), "en")


def register(app: Flask) -> None:
    """Answer every error of the app; browsers' pages keep plain ones of their own."""
    app.register_error_handler(LoyaltyError, lambda error: problem_of(error).response())
    app.register_error_handler(Refusal, _refused)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(away, _database_away)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ParseException, _unreadable_body)


def _unreadable_body(_error: ParseException) -> Response:
    """What the server finds wrong with a body while it is read, as with chunks of no length."""
    return Problem(400, "bad_request").response()


def _refused(error: Refusal) -> Response:
    headers = error.headers
    if error.status == 401:
        headers = {"WWW-Authenticate": 'Bearer realm="loyalty-hub"', **headers}
    return Problem(error.status, error.code, headers=headers).response()


def log_unavailable(error: Exception) -> None:
    """The driver's own words may hold values of a statement, so only their kind is logged."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    rule = request.url_rule if has_request_context() else None
    told = {} if rule is None else {"route": rule.rule}
    log.error("database_unavailable", kind=type(cause).__name__, **told)


def _database_away(error: Exception) -> Response:
    log_unavailable(error)
    return Problem(503, "try_again", headers={"Retry-After": str(RETRY_AFTER_S)}).response()


def _http(error: HTTPException) -> Response | HTTPException:
    if not request.path.startswith(_MACHINES):
        return error
    status = error.code or 500
    headers = {name: told for name, told in error.get_headers() if name == "Allow"}
    code = CODES.get(status, "internal_error" if status >= 500 else "bad_request")
    return Problem(status, code, headers=headers).response()
