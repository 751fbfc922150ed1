"""The public API, version 1 (`docs/http-contract.md`)."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask
from flask_limiter import Limiter

from hub.web.api import checkout, events, members, pages, programme
from hub.web.api.call import bucket, furnish
from hub.web.api.specification import describe, finish
from hub.wiring import Hub

PREFIX = "/api/v1"
BLUEPRINTS = (checkout.blueprint, events.blueprint, members.blueprint, programme.blueprint)
REDIS_S = 0.25
"""A till does not wait longer for Redis to count its calls; this process counts then."""


def register(app: Flask, hub: Hub) -> None:
    """Put the API and its pages on the app."""
    furnish(app, hub)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=PREFIX)
    pages.register(app, openapi_document)
    _limit(app, hub)


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; needs no database and no configuration.

    Made when it is first asked for: most processes never are, and it takes a third of a second.
    """
    specification = describe(Flask("openapi"))
    for blueprint in BLUEPRINTS:
        specification.register_blueprint(blueprint, url_prefix=PREFIX)
    return finish(specification.spec.to_dict())


def _limit(app: Flask, hub: Hub) -> None:
    redis_url = hub.config.redis_url
    seconds = {"socket_connect_timeout": REDIS_S, "socket_timeout": REDIS_S}
    limiter = Limiter(
        bucket,
        app=app,
        storage_uri=redis_url or "memory://",
        storage_options=seconds if redis_url else {},  # type: ignore[arg-type]  # fractions
        in_memory_fallback_enabled=redis_url is not None,
        key_prefix="api",
    )
    limit = limiter.shared_limit(hub.config.rate_limit, scope="api")
    for blueprint in BLUEPRINTS:
        limit(blueprint)
