"""An installation made live: its connector, its settings opened, its client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from hub.registry import ConnectorUnavailable
from hub.vault import Unreadable
from hub.wiring import Hub
from loyalty_core.service.source import Source
from loyalty_core.store import installations
from loyalty_core.store.database import alone, read, transact
from loyalty_core.store.ids import to_wire
from loyalty_core.store.installations import InstallationRow, source_of
from loyalty_core.store.prompt import UNAVAILABLE
from loyalty_kit.errors import NeedsAttention, RemoteMisconfigured, Retry
from loyalty_kit.pacing import SharedCount, counting_with
from loyalty_kit.ports import Client, ClientContext, Connector, Keep, Settings, Webhook
from loyalty_kit.settings import load_settings, secret_names

SHOP_SETTING = "shop"
"""A connector's setting of this name is the code of the installation's own shop."""


class NotLive(NeedsAttention):
    """The connector is not there, or the settings cannot be opened or do not fit it."""

    code = "not_live"


@dataclass(frozen=True, slots=True)
class Live:
    row: InstallationRow
    connector: Connector
    settings: Settings
    allow_private: bool
    keep: Keep
    pace: SharedCount | None

    @property
    def wire_id(self) -> str:
        return wire_id(self.row.id)

    @property
    def source(self) -> Source:
        """Who speaks, when this installation does."""
        return Source(
            programme_id=self.row.programme_id,
            name=source_of(self.row.id),
            default_shop=str(self.settings.get(SHOP_SETTING) or "main"),
            lenient=True,
        )

    @property
    def open_settings(self) -> Settings:
        """The settings without secrets: what a translator may see."""
        secrets = secret_names(self.connector.manifest.settings_schema)
        return {name: value for name, value in self.settings.items() if name not in secrets}

    def webhook(self, name: str) -> Webhook | None:
        return next((hook for hook in self.connector.webhooks if hook.name == name), None)

    def client(self, **instead: Any) -> Client:
        """`instead`: settings that this one client has in the place of those stored.

        Raises: NeedsAttention where the connector calls nobody.
        """
        if self.connector.make_client is None:
            raise RemoteMisconfigured("This connector makes no calls to the shop.")
        context = ClientContext(
            settings={**self.settings, **instead},
            allow_private=self.allow_private,
            installation=self.wire_id,
            keep=self.keep,
        )
        with counting_with(self.pace):
            return self.connector.make_client(context)


def wire_id(installation_id: int) -> str:
    return to_wire("i", installation_id)


def enliven(hub: Hub, row: InstallationRow) -> Live:
    """Raises: NotLive, with a text for the owner."""
    try:
        connector = hub.registry.get(row.connector)
        stored = hub.vault.open(row.settings)
        settings = load_settings(connector.manifest.settings_schema, stored)
    except ConnectorUnavailable as error:
        raise NotLive(str(error)) from error
    except Unreadable as error:
        raise NotLive("The settings cannot be decrypted with the keys at hand.") from error
    except ValidationError as error:
        fields = ", ".join(sorted(error.messages_dict))
        raise NotLive(f"The settings do not fit the connector any more: {fields}.") from error
    keep = Keep(
        partial(_load, hub, row.id),
        partial(_save, hub, row.id, connector),
        partial(_alone, hub, row.id),
    )
    return Live(row, connector, settings, hub.config.allow_private_addresses, keep, hub.pace)


@contextmanager
def _alone(hub: Hub, installation_id: int) -> Iterator[None]:
    """Raises: Retry."""
    try:
        with alone(hub.engine, f"settings:{installation_id}"):
            yield
    except UNAVAILABLE:
        raise Retry("The database is away.") from None


def _load(hub: Hub, installation_id: int) -> Settings:
    """Raises: NotLive, Retry."""
    try:
        with read(hub.engine) as connection:
            row = installations.get(connection, installation_id)
    except UNAVAILABLE:
        raise Retry("The database is away.") from None
    if row is None:
        raise NotLive("The connection is no more.")
    return enliven(hub, row).settings


def _save(hub: Hub, installation_id: int, connector: Connector, given: Mapping[str, str]) -> None:
    """Raises: NotLive, Retry."""

    def work(connection: Connection) -> None:
        row = installations.lock(connection, installation_id)
        if row is None:
            raise NotLive("The connection is no more.")
        stored = {**hub.vault.open(row.settings), **given}
        sealed = hub.vault.seal(load_settings(connector.manifest.settings_schema, stored))
        installations.change(connection, installation_id, settings=sealed)

    try:
        transact(hub.engine, work)
    except UNAVAILABLE:
        raise Retry("The database is away.") from None
