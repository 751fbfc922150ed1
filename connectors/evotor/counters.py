"""Terminals and the people at them, as the cloud lists them: once a day, with the catalogue.

Facts: the vendor's reference of REST v2, `GET /devices` and `GET /employees`.  They need rights of
their own, which an application may lack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from connectors.evotor import schemas
from connectors.evotor.client import Evotor
from connectors.evotor.lines import MAX_NAME
from connectors.evotor.schemas import load
from connectors.evotor.translate import shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import CredentialsRejected
from loyalty_kit.ports import Cashier, Settings, Terminal

_DEVICE, _EMPLOYEE = compile_load(schemas.Device()), compile_load(schemas.Employee())
_ROLES: dict[str, Literal["admin", "cashier"]] = {"ADMIN": "admin", "CASHIER": "cashier"}
"""`MANUAL` is told beside them, and not what it means."""


def terminals_of(client: Evotor) -> tuple[Terminal, ...] | None:
    """None where the application may not read them.

    Raises: PayloadInvalid, and what the client raises.
    """
    rows = _allowed(client.devices)
    return None if rows is None else tuple(_terminal(row, client.settings) for row in rows)


def cashiers_of(client: Evotor) -> tuple[Cashier, ...] | None:
    """As `terminals_of`."""
    rows = _allowed(client.employees)
    return None if rows is None else tuple(_cashier(row) for row in rows)


def _allowed(ask: Callable[[], list[Any]]) -> list[Any] | None:
    try:
        return ask()
    except CredentialsRejected:
        return None


def _terminal(row: Any, settings: Settings) -> Terminal:
    told = load(_DEVICE, row)
    name = told["name"]
    return Terminal(told["id"], name and name[:MAX_NAME], shop_of(told["store"], settings))


def _cashier(row: Any) -> Cashier:
    """By the name and the first letter of the last one: enough to tell who it was."""
    told = load(_EMPLOYEE, row)
    first, last = told["name"], told["last_name"]
    name = f"{first} {last[0]}." if first and last else first or last or told["id"]
    return Cashier(told["id"], name[:MAX_NAME], _ROLES.get(told["role"] or ""))
