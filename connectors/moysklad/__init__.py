"""MoySklad: its till's Loyalty API; documents and goods by its JSON API.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.moysklad.balances import Balances, make_fields
from connectors.moysklad.catalogue import Catalogue
from connectors.moysklad.client import MoySklad, make_client
from connectors.moysklad.documents import Documents
from connectors.moysklad.frame import Frame
from connectors.moysklad.manifest import MANIFEST
from connectors.moysklad.pull import Pull
from connectors.moysklad.routes import EVENTS, RETURN, SALE
from connectors.moysklad.till import ROUTES
from connectors.moysklad.vendor import ROUTES as OF_VENDOR
from connectors.moysklad.vendor import tell_the_till
from connectors.moysklad.webhooks import Webhooks, mend, own_address
from loyalty_kit.ports import Connector


def check(client: MoySklad) -> None:
    """Documents can be read with this token; where it is wanted, MoySklad knows the till's
    address, and fields for balances and webhooks are there and on.

    Raises: what the client raises.
    """
    for kind in client.settings["sales"]:
        client.rows(f"/entity/{kind}", {"limit": "1"})
    tell_the_till(client)
    make_fields(client)
    address = own_address(client)
    if address is not None:
        mend(client, address)


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    webhooks=(EVENTS, SALE, RETURN),
    fetch=Documents(),
    read_many=Documents(),
    pull=Pull(),
    catalogue=Catalogue(),
    protocol=(*ROUTES, *OF_VENDOR),
    push_balance=Balances(),
    balances_for_staff=True,
    frame=Frame(),
    check=check,
    shop_webhooks=Webhooks(),
)
