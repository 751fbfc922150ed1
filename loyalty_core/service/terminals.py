"""Terminals of a connection and the people at them: as the vendor lists them, and as receipts
tell of them.

Of a person only what a receipt needs is kept: a name and whether they are in charge; no phone.
Whoever leaves the vendor's list is forgotten here with the next reading of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from loyalty_core.store import purchases
from loyalty_core.store import terminals as store
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.installations import number_of_source
from loyalty_core.store.terminals import CashierRow, TerminalRow

__all__ = [
    "CashierRow",
    "TerminalRow",
    "cashier_names",
    "cashiers_of",
    "hear",
    "keep_cashiers",
    "keep_terminals",
    "terminals_of",
]

FORGOTTEN_AFTER = timedelta(days=30)
"""A terminal that the vendor does not list any more."""


class TerminalLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def shop(self) -> str | None: ...


class CashierLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str | None: ...


class HeardLike(Protocol):
    @property
    def terminal(self) -> str: ...
    @property
    def shop(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...


def keep_terminals(
    connection: Connection, installation_id: int, told: Sequence[TerminalLike], *, now: datetime
) -> None:
    """These are all that the vendor lists."""
    rows = {one.id: TerminalRow(one.id, one.name, one.shop, True, None) for one in told}
    store.keep_listed(
        connection, installation_id, list(rows.values()), forget_before=now - FORGOTTEN_AFTER
    )


def keep_cashiers(
    connection: Connection, installation_id: int, told: Sequence[CashierLike]
) -> None:
    """These are all that the vendor lists."""
    rows = {one.id: CashierRow(one.id, one.name, one.role) for one in told}
    store.replace_cashiers(connection, installation_id, list(rows.values()))


def hear(connection: Connection, installation_id: int, heard: Iterable[HeardLike]) -> None:
    """Receipts of these terminals have come."""
    last: dict[str, HeardLike] = {}
    for one in heard:
        if one.terminal not in last or last[one.terminal].at < one.at:
            last[one.terminal] = one
    for name in sorted(last):
        one = last[name]
        store.hear(connection, installation_id, one.terminal, one.shop, one.at)


def terminals_of(connection: Connection, installation_id: int) -> list[TerminalRow]:
    """By shop and name."""
    return store.of_installation(connection, installation_id)


def cashiers_of(connection: Connection, installation_id: int) -> list[CashierRow]:
    """By name."""
    return store.cashiers_of(connection, installation_id)


def cashier_names(
    connection: Connection, programme_id: int, wanted: Collection[str]
) -> dict[str, str]:
    """Who sold, by the purchase's id: by name where the vendor tells names, else as the receipt
    says; those that say nobody are not in it."""
    ids = {number for one in wanted if (number := from_wire("p", one)) is not None}
    said = {
        one.id: (number_of_source(one.source), one.event.cashier)
        for one in purchases.purchases_by_id(connection, ids).values()
        if one.programme_id == programme_id
    }
    keys = {(home, cashier) for home, cashier in said.values() if home is not None and cashier}
    names = store.names_of(connection, keys)
    return {
        to_wire("p", number): names.get((home or 0, cashier), cashier)
        for number, (home, cashier) in said.items()
        if cashier
    }
