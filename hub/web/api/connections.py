"""Connections of the programme, and how each fares."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from hub.connections import health, shop
from hub.installations import (
    InstallationNotFound,
    InstallationView,
    get_installation,
    installation_row,
    list_installations,
)
from hub.web.api import body
from hub.web.api import connection_schemas as wire
from hub.web.api.call import Call, Operation, answer
from hub.web.api.once import Answer
from hub.web.api.operations import operation
from hub.web.errors import asked_language

SCOPE = "admin"
blueprint = Blueprint("connections", __name__, description="Shops and tills that are connected.")


@operation(
    blueprint,
    Operation(
        method="GET", rule="/installations", scope=SCOPE, gives={200: wire.ConnectionsSchema}
    ),
)
def list_connections(call: Call) -> Answer:
    """The programme's connections, the oldest first."""
    found = list_installations(call.room.hub, call.key.programme_id)
    return answer({"items": [_summary(one) for one in found]})


@operation(
    blueprint,
    Operation(
        method="GET",
        rule="/installations/<installation_id>/health",
        scope=SCOPE,
        query=wire.HealthQuerySchema(),
        gives={200: wire.ConnectionHealthSchema},
        refuses=(404,),
    ),
)
def show_health(call: Call, installation_id: str) -> Answer:
    """How a connection fares, and what to do about it."""
    hub = call.room.hub
    asked = body.read_query(wire.HealthQuerySchema())
    view = own_connection(call, installation_id)
    found = health.health_of(hub, view)
    side = shop.look(hub, installation_row(hub, view.id)) if asked["shop"] else None
    return answer(health.as_document(found, side, asked_language()))


def own_connection(call: Call, installation_id: str) -> InstallationView:
    """Raises: InstallationNotFound, for one of another programme too."""
    view = get_installation(call.room.hub, installation_id)
    if view.programme_id != call.key.programme_id:
        raise InstallationNotFound
    return view


def _summary(view: InstallationView) -> dict[str, Any]:
    last = view.last_delivery_at
    return {
        "id": view.id,
        "name": view.name,
        "connector": view.connector,
        "state": view.state,
        "trouble": view.trouble_code,
        "last_delivery_at": last and last.isoformat(),
    }
