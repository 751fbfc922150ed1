"""WooCommerce: orders, refunds and catalogue of a WordPress shop.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.wordpress.balances import Balances
from connectors.wordpress.catalogue import Catalogue
from connectors.wordpress.client import WooClient, make_client
from connectors.wordpress.companion import PLUGIN
from connectors.wordpress.coupons import Coupons
from connectors.wordpress.documents import Documents
from connectors.wordpress.manifest import MANIFEST
from connectors.wordpress.pull import Pull
from connectors.wordpress.routes import EVENTS
from connectors.wordpress.shop_webhooks import ShopWebhooks
from loyalty_kit.ports import Connector


def check(client: WooClient) -> None:
    """Orders can be read with these settings, or an error tells what to mend.

    Nothing else is asked for: a key that may read orders and products is enough.

    Raises: what the client raises.
    """
    client.orders({"per_page": "1", "_fields": "id"})


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    webhooks=(EVENTS,),
    fetch=Documents(),
    read_many=Documents(),
    pull=Pull(),
    catalogue=Catalogue(),
    push_balance=Balances(),
    push_discounts=Coupons(),
    companion=PLUGIN,
    check=check,
    shop_webhooks=ShopWebhooks(),
)
