"""Bitrix24, by a pair of webhooks: orders or deals, goods, balances.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.bitrix24.balances import Balances, ensure_field
from connectors.bitrix24.catalogue import Catalogue
from connectors.bitrix24.client import Portal, make_client
from connectors.bitrix24.documents import Documents
from connectors.bitrix24.manifest import MANIFEST
from connectors.bitrix24.pull import Pull, changed
from connectors.bitrix24.routes import EVENTS
from loyalty_kit.ports import Connector


def check(client: Portal) -> None:
    """What counts can be listed; where balances are written, the field is there or is made.

    Raises: what the client raises.
    """
    changed(client, since="2100-01-01T00:00:00+00:00", after=0)
    if client.settings["write_balance"]:
        ensure_field(client)


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    webhooks=(EVENTS,),
    fetch=Documents(),
    pull=Pull(),
    catalogue=Catalogue(),
    push_balance=Balances(),
    check=check,
)
