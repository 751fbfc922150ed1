"""The webhooks on the shop's side: WooCommerce switches one off after seven failures, and never on
again (10.5.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.wordpress.client import WooClient
from connectors.wordpress.routes import EVENTS
from loyalty_kit.errors import RemoteMisconfigured
from loyalty_kit.ports import RemoteWebhook

TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    "product.created",
    "product.updated",
    "action.woocommerce_delete_order",
)
"""What the hub wants to hear of; all come to one address."""
OF_ACCOUNTS = ("customer.created", "customer.updated")
"""The same where the owner wants members to be filled in."""


class ShopWebhooks:
    def look(self, client: WooClient, addresses: Mapping[str, str]) -> tuple[RemoteWebhook, ...]:
        """Of each topic, whether one of its webhooks calls the hub.

        Raises: RemoteMisconfigured (the hub does not know its address), what the client raises.
        """
        own = _own(client, addresses)
        return tuple(
            RemoteWebhook(topic, "working" if _works(own.get(topic, [])) else _off(topic, own))
            for topic in _topics(client)
        )

    def mend(self, client: WooClient, addresses: Mapping[str, str]) -> None:
        """Raises: as `look`; the key must be one that may write."""
        own = _own(client, addresses)
        for topic in _topics(client):
            known = own.get(topic, [])
            if not known:
                client.make_webhook(
                    {
                        "name": f"Loyalty Hub: {topic}",
                        "topic": topic,
                        "delivery_url": addresses[EVENTS.name],
                        "secret": client.settings["webhook_secret"],
                        "status": "active",
                    }
                )
            elif not _works(known):
                client.switch_on(str(known[0]["id"]))


def _topics(client: WooClient) -> tuple[str, ...]:
    return TOPICS + (OF_ACCOUNTS if client.settings["customers"] else ())


def _own(client: WooClient, addresses: Mapping[str, str]) -> dict[str, list[Mapping[str, Any]]]:
    """The shop's webhooks that call this connection, by topic."""
    address = addresses.get(EVENTS.name)
    if address is None:
        raise RemoteMisconfigured("the hub does not know its own address: set HUB_PUBLIC_URL")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in client.webhooks():
        if one.get("delivery_url") == address:
            found.setdefault(str(one.get("topic")), []).append(one)
    return found


def _works(known: list[Mapping[str, Any]]) -> bool:
    return any(one.get("status") == "active" for one in known)


def _off(topic: str, own: Mapping[str, object]) -> Any:
    return "disabled" if topic in own else "missing"
