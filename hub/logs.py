"""Logs: one line an event, for people or for machines, without secrets or personal data.

What others hand in as text is redacted by shape and by name.  The message of an exception is
left out, because drivers and libraries put values into it that no pattern finds (a name, a
row); its type and the places in the code are kept.  Our own errors promise clean messages.
"""

from __future__ import annotations

import logging
import random
import sys
import time
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

from hub.config import Config
from hub.metrics import Metrics
from loyalty_core.domain.errors import LoyaltyError
from loyalty_kit.errors import ConnectorError
from loyalty_kit.frozen import frozen
from loyalty_kit.redact import redact_json, redact_text

log = structlog.get_logger(__name__)
_told = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"

OURS = frozenset(
    {"level", "logger", "timestamp", "request_id", "programme", "installation", "delivery", "ms"}
)
"""Names whose values only the hub itself makes: numbers of rows, times.  Left as they are."""

EventDict = MutableMapping[str, Any]


def configure(config: Config) -> None:
    """Send what structlog and the standard library log to stderr, in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(config),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it greets each look of /readyz


def _renderer(config: Config) -> structlog.typing.Processor:
    if config.log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def describe_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """`exc_info` becomes the type and the places; see the top of this file for why."""
    told = event.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = trace_of(error)
    return event


def trace_of(error: BaseException) -> str:
    """Places in the code and types, from the first cause to the last; no foreign message."""
    parts = [] if error.__cause__ is None else [trace_of(error.__cause__)]
    parts += traceback.format_tb(error.__traceback__)
    clean = isinstance(error, LoyaltyError | ConnectorError)
    parts.append(type(error).__name__ + (f": {error}" if clean else ""))
    return "".join(part if part.endswith("\n") else part + "\n" for part in parts)


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Take out phones, addresses, cards and secrets, wherever they slipped in."""
    for name, value in event.items():
        if name == "event" and isinstance(value, str):
            event[name] = redact_text(value)
        elif name not in OURS and not name.startswith("_") and name != "exception":
            event[name] = redact_json({name: value})[name]
    return event


@frozen
class Request:
    """What is told of a request: by its route's name, never by its address."""

    id: str
    began: float

    @classmethod
    def begin(cls) -> Request:
        """All that this thread logs until the next one bears its id."""
        number = f"{random.getrandbits(64):016x}"  # nosec B311 - a name, no secret
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=number)
        return cls(number, time.perf_counter())

    def end(self, metrics: Metrics, endpoint: str, method: str, status: int) -> None:
        """Count it, and log what went wrong."""
        seconds = time.perf_counter() - self.began
        metrics.answered(endpoint, status, seconds)
        level = logging.INFO if status >= 400 else logging.DEBUG
        if not _told.isEnabledFor(level):
            return  # to find that out costs structlog more than all of this
        log.log(
            level,
            "request",
            method=method,
            endpoint=endpoint,
            status=status,
            ms=round(seconds * 1000, 1),
        )


def register(app: Flask, metrics: Metrics) -> None:
    """Give each request an id, time it, and log what went wrong by its route's pattern."""

    def begin() -> None:
        g.request = Request.begin()

    def end(response: Response) -> Response:
        told: Request = g.request
        response.headers[REQUEST_ID] = told.id
        told.end(metrics, request.endpoint or "none", request.method, response.status_code)
        return response

    def failed(error: Any) -> None:
        log.error(
            "request_failed", method=request.method, endpoint=request.endpoint, exc_info=error
        )

    app.before_request(begin)
    app.after_request(end)
    # Flask's own names the address, and addresses of webhooks hold secrets.
    app.log_exception = failed  # type: ignore[assignment, method-assign]
