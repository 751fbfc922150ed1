"""Logs: one line an event, for people or for machines, without secrets or personal data.

What others hand in as text is redacted by shape and by name.  The message of an exception is
left out, because drivers and libraries put values into it that no pattern finds (a name, a
row); its type and the places in the code are kept.  Our own errors promise clean messages.
"""

from __future__ import annotations

import logging
import secrets
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
from loyalty_kit.redact import redact_json, redact_text

log = structlog.get_logger(__name__)

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


def register(app: Flask, metrics: Metrics) -> None:
    """Give each request an id, time it, and log what went wrong by its route's pattern."""
    told = logging.getLogger(__name__)

    def begin() -> None:
        g.request_id = secrets.token_hex(8)
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        seconds = time.perf_counter() - g.began
        endpoint = request.endpoint or "none"
        metrics.answered(endpoint, response.status_code, seconds)
        level = logging.INFO if response.status_code >= 400 else logging.DEBUG
        if not told.isEnabledFor(level):
            return response  # to find that out costs structlog more than all of this
        log.log(
            level,
            "request",
            method=request.method,
            endpoint=endpoint,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response

    app.before_request(begin)
    app.after_request(end)
