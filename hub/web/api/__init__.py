"""The public API, version 1 (`docs/http-contract.md`)."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask

from hub.web.api import (
    attention,
    cards,
    catalogue,
    certificates,
    checkout,
    confirmations,
    connections,
    consents,
    coupons,
    events,
    express,
    letters,
    links,
    members,
    pages,
    partners,
    privileges,
    programme,
    receipts,
    rewards,
)
from hub.web.api.call import furnish
from hub.web.api.specification import describe, finish
from hub.wiring import Hub

PREFIX = "/api/v1"
BLUEPRINTS = (
    checkout.blueprint,
    confirmations.blueprint,
    events.blueprint,
    members.blueprint,
    consents.blueprint,
    cards.blueprint,
    receipts.blueprint,
    coupons.blueprint,
    letters.blueprint,
    certificates.blueprint,
    privileges.blueprint,
    rewards.blueprint,
    partners.blueprint,
    connections.blueprint,
    attention.blueprint,
    links.blueprint,
    programme.blueprint,
    catalogue.blueprint,
)


def register(app: Flask, hub: Hub) -> None:
    """Put the API and its pages on the app."""
    room = furnish(app, hub)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=PREFIX)
    pages.register(app, openapi_document, hub.clock)
    express.register(app, room, f"{PREFIX}/quotes", public_https=hub.config.public_https)


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; needs no database and no configuration.

    Made when it is first asked for: most processes never are, and it takes a third of a second.
    """
    specification = describe(Flask("openapi"))
    for blueprint in BLUEPRINTS:
        specification.register_blueprint(blueprint, url_prefix=PREFIX)
    return finish(specification.spec.to_dict())
