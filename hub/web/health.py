"""`/healthz`, `/readyz`, `/metrics`: for the machines that look after the hub."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.wiring import Hub
from loyalty_core.store import migrate
from loyalty_core.store.database import read
from loyalty_core.store.migrate import Standing


def register(app: Flask, hub: Hub) -> None:
    """Add the three pages."""

    def ready() -> Response:
        return _ready(hub)

    def metrics() -> Response:
        return _metrics(hub)

    app.add_url_rule("/healthz", "health.alive", _alive)
    app.add_url_rule("/readyz", "health.ready", ready)
    app.add_url_rule("/metrics", "health.metrics", metrics)


def _alive() -> Response:
    return jsonify(status="alive")


def _ready(hub: Hub) -> Response:
    """200 when calls can be answered; 503 names what is missing."""
    problems = unready(hub)
    answer = jsonify(status="unready" if problems else "ready", problems=problems)
    answer.status_code = 503 if problems else 200
    return answer


def unready(hub: Hub) -> dict[str, str]:
    """What keeps the hub from answering, by part; empty when it is ready."""
    checks: dict[str, Callable[[Hub], str | None]] = {
        "database": _database,
        "migrations": _migrations,
        "queue": _queue,
    }
    problems: dict[str, str] = {}
    for part, check in checks.items():
        problem = None if "database" in problems else check(hub)
        if problem is not None:
            problems[part] = problem
    return problems


def _database(hub: Hub) -> str | None:
    try:
        with read(hub.engine) as connection:
            connection.execute(text("SELECT 1"))
    except (DBAPIError, PoolTimeout) as error:
        return f"does not answer ({type(error).__name__})"
    return None


def _migrations(hub: Hub) -> str | None:
    """Asked each time: a migration beside this process ends, and it is ready again by itself."""
    return _UNFIT.get(migrate.standing(hub.engine))


_UNFIT = {
    Standing.OLDER: "run `loyalty-hub migrate`",
    Standing.MIGRATING: "a migration is running",
    Standing.NEWER: "the database is newer than this process; start the newer version",
}


def _queue(hub: Hub) -> str | None:
    return None if hub.bell.reachable() else "Redis does not answer"


def _metrics(hub: Hub) -> Response:
    body = hub.metrics.exposition(hub.engine, hub.clock.now(), hub.config.data_dir)
    return Response(body, content_type=CONTENT_TYPE_LATEST)
