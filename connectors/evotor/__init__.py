"""Evotor: receipts, returns and goods of its cloud, and a contract for an application on its
terminals.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.evotor.catalogue import Catalogue
from connectors.evotor.client import Evotor, make_client
from connectors.evotor.documents import Documents
from connectors.evotor.manifest import MANIFEST
from connectors.evotor.pull import Pull
from connectors.evotor.routes import DOCUMENT_HOOK, GOODS_HOOK, LATE_HOOK, RECEIPT_HOOK
from connectors.evotor.schemas import id_of
from connectors.evotor.settings import CLOUD
from connectors.evotor.till import TERMINAL
from connectors.evotor.translate import KINDS
from connectors.evotor.vendor import ROUTES
from loyalty_kit.ports import Connector


def check(client: Evotor) -> None:
    """Shops and documents can be read with the cloud's token, where receipts come from there.

    Raises: what the client raises.
    """
    if client.settings["feed"] != CLOUD and not client.settings["cloud_token"]:
        return
    named = (id_of(store.get("id")) for store in client.stores())
    first = next((store for store in named if store is not None), None)
    if first is not None:
        since = str(client.server_time * 1000)
        client.documents(first, {"since": since, "type": ",".join(KINDS)})


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    webhooks=(DOCUMENT_HOOK, RECEIPT_HOOK, GOODS_HOOK, LATE_HOOK),
    fetch=Documents(),
    pull=Pull(),
    catalogue=Catalogue(),
    protocol=(*ROUTES, *TERMINAL),
    check=check,
)
