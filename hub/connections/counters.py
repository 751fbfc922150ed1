"""The terminals of a connection, which of them tell of sales, and who sells at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.installations import InstallationView, installation_row
from hub.wiring import Hub
from loyalty_core.service.terminals import CashierRow, TerminalRow, cashiers_of, terminals_of
from loyalty_core.store.database import read

SILENT = timedelta(days=3)
"""A terminal that sells every day has told a receipt since; also one that was offline at the
weekend."""


@dataclass(frozen=True, slots=True)
class SeenTerminal:
    """`state`: it "reports", is "silent", or told of no sale "never"."""

    known: TerminalRow
    state: str


@dataclass(frozen=True, slots=True)
class Counters:
    terminals: Sequence[SeenTerminal]
    cashiers: Sequence[CashierRow]


def counters_of(hub: Hub, view: InstallationView) -> Counters:
    """Raises: InstallationNotFound."""
    row, now = installation_row(hub, view.id), hub.clock.now()
    with read(hub.engine) as connection:
        terminals = terminals_of(connection, row.id)
        cashiers = cashiers_of(connection, row.id)
    return Counters([SeenTerminal(one, _state(one, now)) for one in terminals], cashiers)


def _state(one: TerminalRow, now: datetime) -> str:
    if one.heard_at is None:
        return "never"
    return "reports" if one.heard_at >= now - SILENT else "silent"
