"""What an owner hands to whoever helps: how a connection fares, without a name, an address, a
secret or a document of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from marshmallow import Schema

from hub.connections.health import Health, as_document
from hub.connections.shop import ShopSide
from hub.deliveries import DeliveryView, list_deliveries
from hub.installations import InstallationView
from hub.registry import OWN_DISTRIBUTION, ConnectorUnavailable
from hub.wiring import Hub
from loyalty_core.store.database import is_sqlite
from loyalty_kit import KIT_VERSION
from loyalty_kit.settings import form_fields

LAST = 100
TOLD = frozenset({"boolean", "integer", "choice", "choices"})
"""Settings of these kinds hold words of the form; others hold what somebody typed."""


def diagnostics(hub: Hub, health: Health, side: ShopSide | None) -> dict[str, Any]:
    """The connection's name stays out: people name connections after people."""
    view = health.view
    told = as_document(health, side, "en")
    deliveries = list_deliveries(hub, installation_id=view.id, limit=LAST).items
    return {
        "made_at": health.looked_at.isoformat(),
        "hub": version(OWN_DISTRIBUTION),
        "kit": KIT_VERSION,
        "database": "sqlite" if is_sqlite(hub.engine) else "postgresql",
        "workers": "embedded" if hub.config.redis_url is None else "redis",
        **_connector(hub, view),
        "health": {name: value for name, value in told.items() if name != "name"},
        "deliveries": [_delivery(one) for one in deliveries],
    }


def _connector(hub: Hub, view: InstallationView) -> dict[str, Any]:
    entries = [one for one in hub.registry.entries if one.code == view.connector]
    found: dict[str, Any] = {
        "connector": view.connector,
        "connector_versions": [
            {"distribution": one.distribution, "version": one.version, "state": one.state.value}
            for one in entries
        ],
    }
    try:
        manifest = hub.registry.get(view.connector).manifest
    except ConnectorUnavailable:
        return found
    return found | {
        "capabilities": sorted(manifest.capabilities),
        "settings": _settings(manifest.settings_schema, view.settings),
    }


def _settings(schema: type[Schema], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.name: settings.get(field.name)
        if field.kind in TOLD
        else ("given" if settings.get(field.name) else "empty")
        for field in form_fields(schema)
    }


def _delivery(one: DeliveryView) -> dict[str, Any]:
    """Not its key and not its error's text: these are the shop's own words."""
    return {
        "hook": one.hook,
        "state": one.state,
        "attempts": one.attempts,
        "received_at": one.received_at.isoformat(),
        "done_at": one.done_at and one.done_at.isoformat(),
        "error": one.error_code,
    }
