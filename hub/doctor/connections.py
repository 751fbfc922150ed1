"""Connected shops: their settings open, and each shop answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hub.doctor.finding import Check, Finding
from hub.live import NotLive, enliven, wire_id
from hub.wiring import Hub
from loyalty_core.store import installations
from loyalty_core.store.database import read
from loyalty_core.store.installations import InstallationRow
from loyalty_kit.errors import ConnectorError
from loyalty_kit.redact import redact_text

_TEXT_LIMIT = 300


def checks(hub: Hub) -> tuple[Check, ...]:
    """One for each connected shop, so that one that hangs hides no other."""
    with read(hub.engine) as connection:
        rows = installations.of_programme(connection, None)
    return tuple(Check(f"connection {row.name}", partial(_look, row)) for row in rows)


def _look(row: InstallationRow, hub: Hub) -> Iterator[Finding]:
    yield _shop(hub, row)


def _shop(hub: Hub, row: InstallationRow) -> Finding:
    """A call, which changes nothing here; then what the hub itself has met."""
    name = f"connection {row.name}"
    again = f"Mend its settings, then: loyalty-hub installations check {wire_id(row.id)}"
    if row.state == "paused":
        return Finding(name, "ok", "paused")
    try:
        live = enliven(hub, row)
        if live.connector.check is not None:
            live.connector.check(live.client())
    except NotLive as error:
        return Finding(name, "failed", _told(error), again)
    except ConnectorError as error:
        return Finding(name, "warning", f"the shop does not answer: {_told(error)}", again)
    except Exception as error:  # noqa: BLE001 - a connector that fails is a finding
        return Finding(name, "failed", f"the connector failed ({type(error).__name__})", again)
    if row.state == "attention":
        told = row.trouble_text or row.trouble_code or "needs attention"
        return Finding(name, "warning", redact_text(told)[:_TEXT_LIMIT], again)
    return Finding(name, "ok", f"{row.state}, the shop answers")


def _told(error: Exception) -> str:
    return redact_text(str(error))[:_TEXT_LIMIT] or type(error).__name__
