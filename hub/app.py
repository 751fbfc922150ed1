"""The web application: blueprints put together; no logic."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from hub import logs
from hub.web import admin, api, csp, errors, health, hooks
from hub.wiring import Hub

API_BODY_LIMIT = 1024 * 1024
"""Bytes (`http-contract.md`); the webhook door sets its own for its requests."""


def create_app(hub: Hub) -> Flask:
    """A WSGI application over the parts handed in; two may live side by side."""
    app = Flask(
        "hub",
        template_folder="web/templates",
        static_folder="web/static",
        static_url_path="/static",
    )
    app.config["MAX_CONTENT_LENGTH"] = API_BODY_LIMIT
    app.secret_key = hub.vault.derive("sessions")
    if hub.config.trusted_proxies:
        hops = hub.config.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    logs.register(app, hub.metrics)
    csp.register(app, public_https=hub.config.public_https)
    errors.register(app)
    for room in (health, hooks, api, admin):
        room.register(app, hub)
    return app
