"""Bitrix24: orders or deals, goods, balances on contacts.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.bitrix24.application import EVENTS_PATH, ROUTES
from connectors.bitrix24.balances import Balances, ensure_fields
from connectors.bitrix24.catalogue import Catalogue
from connectors.bitrix24.client import Portal, make_client
from connectors.bitrix24.documents import Documents
from connectors.bitrix24.manifest import MANIFEST
from connectors.bitrix24.oauth import is_application
from connectors.bitrix24.pull import Pull, changed
from connectors.bitrix24.routes import EVENTS, EVENTS_OF
from connectors.bitrix24.translate import KIND_OF
from loyalty_kit.ports import Connector


def check(client: Portal) -> None:
    """What counts can be listed; where balances are written, their fields are there or are made.

    Raises: what the client raises.
    """
    changed(client, since="2100-01-01T00:00:00+00:00", after=0)
    if client.settings["write_balance"]:
        ensure_fields(client)
    if is_application(client.settings) and client.settings["connect_url"]:
        subscribe(client)


def subscribe(client: Portal) -> None:
    """The application hears of what counts; an update of it wipes its subscriptions.

    Raises: what the client raises.
    """
    told = client.settings
    address = f"{told['connect_url'].rstrip('/')}/{EVENTS_PATH}/{told['hook_token']}"
    bound = client.rows("event.get", "events", {})
    known = {str(one.get("event")).upper() for one in bound if one.get("handler") == address}
    for event in EVENTS_OF[KIND_OF[told["purchases"]]]:
        if event not in known:
            client.call("event.bind", {"event": event, "handler": address})


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    webhooks=(EVENTS,),
    fetch=Documents(),
    pull=Pull(),
    catalogue=Catalogue(),
    protocol=ROUTES,
    push_balance=Balances(),
    balances_for_staff=True,
    check=check,
)
