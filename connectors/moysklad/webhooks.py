"""The webhooks on MoySklad's side: one for each entity and action, at the hub's secret address."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.moysklad.client import Json, MoySklad
from connectors.moysklad.routes import EVENTS, watched
from loyalty_kit.errors import RemoteMisconfigured
from loyalty_kit.ports import RemoteWebhook

Known = Mapping[tuple[object, object], Json]


class Webhooks:
    """At the address that the settings tell, for the account may reach the hub by another than
    the hub knows of itself; else at the hub's own."""

    def look(self, client: MoySklad, addresses: Mapping[str, str]) -> tuple[RemoteWebhook, ...]:
        """Empty where none was ever made and the settings want none: polling does it all."""
        address = _address(client, addresses)
        if address is None:
            return ()
        known = _known(client, address)
        if not known and own_address(client) is None:
            return ()
        return tuple(_seen(kind, action, known) for kind, action in watched(client.settings))

    def mend(self, client: MoySklad, addresses: Mapping[str, str]) -> None:
        """Raises: RemoteMisconfigured (no address), and what the client raises."""
        address = _address(client, addresses)
        if address is None:
            raise RemoteMisconfigured("MoySklad was told no address of the hub for webhooks.")
        mend(client, address)


def mend(client: MoySklad, address: str) -> None:
    """Make the webhooks that are missing, and switch on those that are off."""
    known = _known(client, address)
    for kind, action in watched(client.settings):
        webhook = known.get((kind, action))
        if webhook is None:
            client.make_webhook(address, kind, action)
        elif webhook.get("enabled") is False:
            client.switch_on(str(webhook.get("id")))


def own_address(client: MoySklad) -> str | None:
    """The secret address that the settings tell."""
    told = client.settings["hook_url"]
    return f"{told.rstrip('/')}/{client.settings['hook_token']}" if told else None


def _seen(kind: str, action: str, known: Known) -> RemoteWebhook:
    name, webhook = f"{kind} {action}", known.get((kind, action))
    if webhook is None:
        return RemoteWebhook(name, "missing")
    return RemoteWebhook(name, "disabled" if webhook.get("enabled") is False else "working")


def _address(client: MoySklad, addresses: Mapping[str, str]) -> str | None:
    hub, token = addresses.get(EVENTS.name), client.settings["hook_token"]
    return own_address(client) or (f"{hub}/{token}" if hub and token else None)


def _known(client: MoySklad, address: str) -> Known:
    return {
        (row.get("entityType"), row.get("action")): row
        for row in client.all("/entity/webhook")
        if row.get("url") == address
    }
