"""The webhooks on MoySklad's side: one for each entity and action, at the hub's secret address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connectors.moysklad.client import HOOKS, Json, MoySklad
from connectors.moysklad.routes import EVENTS, watched
from loyalty_kit.errors import Drop, NeedsAttention, RemoteMisconfigured
from loyalty_kit.ports import RemoteWebhook

Known = Mapping[tuple[object, object], Json]

_CONNECTION = re.compile(r"/hooks/([^/?#]+)/")


class Webhooks:
    """At the address that the settings tell, for the account may reach the hub by another than
    the hub knows of itself; else at the hub's own."""

    def look(self, client: MoySklad, addresses: Mapping[str, str]) -> tuple[RemoteWebhook, ...]:
        """Empty where none was ever made and the settings want none: polling does it all."""
        address = _address(client, addresses)
        if address is None:
            return ()
        known = _known(_at(client.all(HOOKS), address))
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
    """Make the webhooks that are missing, and switch on those that are off.  One that calls this
    connection by another secret or host is led to the address: a solution may have no second one
    of a kind.  One that is refused keeps no other from being made.

    Raises: the first refusal, and what the client raises.
    """
    rows = client.all(HOOKS)
    known = {**_known(_of_connection(rows, address)), **_known(_at(rows, address))}
    refusals: list[NeedsAttention | Drop] = []
    for kind, action in watched(client.settings):
        webhook = known.get((kind, action))
        try:
            if webhook is None:
                client.make_webhook(address, kind, action)
            elif webhook.get("url") != address or webhook.get("enabled") is False:
                client.switch_on(str(webhook.get("id")), address)
        except (NeedsAttention, Drop) as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


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


def _at(rows: Iterable[Json], address: str) -> list[Json]:
    return [row for row in rows if row.get("url") == address]


def _of_connection(rows: Iterable[Json], address: str) -> list[Json]:
    """Those that call the connection of this address, at whatever host and by whatever secret."""
    own = _connection(address)
    return [row for row in rows if own is not None and _connection(row.get("url")) == own]


def _connection(address: object) -> str | None:
    found = _CONNECTION.search(address) if isinstance(address, str) else None
    return None if found is None else found[1]


def _known(rows: Iterable[Json]) -> Known:
    return {(row.get("entityType"), row.get("action")): row for row in rows}
