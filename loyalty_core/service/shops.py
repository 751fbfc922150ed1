"""Shops of a programme; each is made with one called `main`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput, ShopNotFound
from loyalty_core.service.programmes import check_code, check_timezone
from loyalty_core.store import programmes as store
from loyalty_core.store.programmes import Shop

__all__ = ["NewShop", "Shop", "create_shop", "get_shop", "list_shops", "set_shop"]


@dataclass(frozen=True, slots=True)
class NewShop:
    """`name` None: its code.  `timezone` None: the programme's."""

    code: str
    name: str | None = None
    timezone: str | None = None
    vendor: Mapping[str, Any] = field(default_factory=dict)


def create_shop(connection: Connection, programme_id: int, new: NewShop, *, now: datetime) -> Shop:
    """Raises: InvalidInput (code, taken or not legal; timezone)."""
    check_code(new.code)
    if new.timezone is not None:
        check_timezone(new.timezone)
    if store.shop_by_code(connection, programme_id, new.code) is not None:
        raise InvalidInput({"code": ["Is taken."]})
    row = {
        "programme_id": programme_id,
        "code": new.code,
        "name": new.name or new.code,
        "timezone": new.timezone,
        "vendor": dict(new.vendor),
    }
    return store.add_shop(connection, row, now=now)


def list_shops(connection: Connection, programme_id: int) -> list[Shop]:
    return store.all_shops(connection, programme_id)


def get_shop(connection: Connection, programme_id: int, code: str) -> Shop:
    """Raises: ShopNotFound."""
    shop = store.shop_by_code(connection, programme_id, code)
    if shop is None:
        raise ShopNotFound({"shop": code})
    return shop


def set_shop(
    connection: Connection, programme_id: int, code: str, changes: Mapping[str, Any]
) -> Shop:
    """The shop after `changes` of name, timezone (None: the programme's) and vendor.

    Raises: ShopNotFound, InvalidInput.
    """
    shop = get_shop(connection, programme_id, code)
    _check_changes(changes)
    if changes:
        store.change_shop(connection, shop.id, changes)
    return get_shop(connection, programme_id, code)


def _check_changes(changes: Mapping[str, Any]) -> None:
    unknown = set(changes) - {"name", "timezone", "vendor"}
    if unknown:
        raise InvalidInput({name: ["Unknown field."] for name in sorted(unknown)})
    if not changes.get("name", "set"):
        raise InvalidInput({"name": ["Must not be blank."]})
    if changes.get("timezone") is not None:
        check_timezone(changes["timezone"])
