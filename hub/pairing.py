"""Pairing: by one code the shop's own side gets its connection and a key, and tells its settings.

The code stands for the owner, who took it in the console: it lives a quarter of an hour, is used
once, and only its hash is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from hub.installations import (
    NAME_TAKEN,
    InstallationView,
    add_installation,
    change_settings,
    get_installation,
    key_name,
    paired_keys,
)
from hub.live import wire_id
from hub.wiring import Hub
from loyalty_core.domain.coupon_codes import draw, normal, told
from loyalty_core.domain.errors import InvalidInput, NotAvailable, Rejected
from loyalty_core.service.api_keys import create_key, revoke_key
from loyalty_core.store import pairing_codes
from loyalty_core.store.api_keys import digest
from loyalty_core.store.database import transact
from loyalty_core.store.ids import from_wire, new_id
from loyalty_core.store.installations import InstallationRow
from loyalty_core.store.pairing_codes import PairingCode
from loyalty_kit.ports import Companion

LIFE = timedelta(minutes=15)
AUTHOR = "pairing"
"""Who stands in the log."""


class PairingCodeWrong(Rejected):
    """Unknown, used, replaced by a newer one, or older than `LIFE`."""

    code = "pairing_code_wrong"


@dataclass(frozen=True, slots=True)
class Offered:
    """`code` is told this once and stored nowhere."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paired:
    """`key` is told this once and stored nowhere."""

    installation: InstallationView
    key: str


def offer_code(
    hub: Hub, *, programme_id: int, connector: str, installation: InstallationView | None
) -> Offered:
    """A code for a new connection, or for one that is paired anew; it ends the one before it.

    Raises: ConnectorUnavailable, NotAvailable (the connector has no companion).
    """
    _companion(hub, connector)
    code, now = draw(), hub.clock.now()
    row = PairingCode(
        id=new_id(now),
        programme_id=programme_id,
        connector=connector,
        installation_id=None if installation is None else from_wire("i", installation.id),
        code_hash=digest(code),
        expires_at=now + LIFE,
    )
    transact(hub.engine, lambda connection: pairing_codes.add(connection, row, now=now))
    return Offered(told(code), row.expires_at)


def pair(hub: Hub, code: str, *, name: str, settings: Mapping[str, str]) -> Paired:
    """Use a code: make the connection, or give the known one other settings, and make its key.

    The key that an earlier pairing of the same connection made is revoked.  A call that is
    refused leaves the code good.

    Raises: PairingCodeWrong, ConnectorUnavailable, InvalidInput, marshmallow's ValidationError,
    UnknownShop.
    """
    try:
        row, key = transact(
            hub.engine,
            lambda connection: _pair(hub, connection, normal(code), name, settings),
        )
    except IntegrityError:
        raise InvalidInput({"name": [NAME_TAKEN]}) from None
    hub.bell.ring(row.programme_id)
    return Paired(get_installation(hub, wire_id(row.id)), key)


def _pair(
    hub: Hub, connection: Connection, code: str, name: str, settings: Mapping[str, str]
) -> tuple[InstallationRow, str]:
    now = hub.clock.now()
    claimed = pairing_codes.claim(connection, digest(code), now=now)
    if claimed is None:
        raise PairingCodeWrong
    companion = _companion(hub, claimed.connector)
    discounts = hub.registry.get(claimed.connector).push_discounts
    if discounts is not None:
        # The shop's own side asks for each cart: coupons of the shop would come on top.
        settings = {**settings, discounts.setting: "false"}
    if claimed.installation_id is None:
        row, loaded = add_installation(
            hub,
            connection,
            programme_id=claimed.programme_id,
            connector=claimed.connector,
            name=name,
            settings=settings,
            author=AUTHOR,
        )
    else:
        row, loaded = change_settings(
            hub, connection, claimed.installation_id, settings, author=AUTHOR
        )
    return row, _new_key(connection, row, companion, loaded, now)


def _new_key(
    connection: Connection,
    row: InstallationRow,
    companion: Companion,
    settings: Mapping[str, Any],
    now: datetime,
) -> str:
    """The connection's own key; it has one at a time."""
    for key in paired_keys(connection, row):
        revoke_key(connection, row.programme_id, key.id, author=AUTHOR, now=now)
    shop = settings.get("shop")
    made = create_key(
        connection,
        programme_id=row.programme_id,
        name=key_name(row),
        scopes=companion.scopes,
        shops=[shop] if shop else None,
        author=AUTHOR,
        now=now,
    )
    return made.key


def _companion(hub: Hub, connector: str) -> Companion:
    companion = hub.registry.get(connector).companion
    if companion is None:
        raise NotAvailable
    return companion
