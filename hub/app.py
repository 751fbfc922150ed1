"""The web application: blueprints put together; no logic."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from hub import logs
from hub.web import admin, api, connect, csp, errors, frames, health, hooks, opt_out, pair
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
    logs.register(app, hub.metrics)
    csp.register(app, public_https=hub.config.public_https)
    errors.register(app)
    for room in (health, hooks, connect, pair, api, opt_out, frames):
        room.register(app, hub)
    _register_console(app, hub)
    if hub.config.trusted_proxies:
        hops = hub.config.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def _register_console(app: Flask, hub: Hub) -> None:
    """The console with the hooks of its sessions, forms and limits, for its own pages alone.

    Its libraries put them on every request, and an API call would spend more on them than on
    all that Flask does for it.
    """
    everywhere: list[dict[Any, list[Any]]] = [app.before_request_funcs, app.after_request_funcs]
    known = [len(functions[None]) for functions in everywhere]
    admin.register(app, hub)
    for functions, count in zip(everywhere, known, strict=True):
        functions[admin.NAME][:0] = functions[None][count:]
        del functions[None][count:]
