"""What the hub stands on, looked at from all sides at once, each with what to do about it.

The whole visit has a time limit: what has not answered by then is itself a finding.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from hub.doctor import books, connections, database, surroundings
from hub.doctor.finding import Check, Finding, State
from hub.wiring import Hub

__all__ = ["Finding", "State", "diagnose"]

LIMIT_S = 30.0


def diagnose(hub: Hub) -> list[Finding]:
    """Every check that makes sense here; without a database those of its content are left out."""
    until = time.monotonic() + LIMIT_S
    findings = _visit(hub, (database.REACHED,), until)
    rest: tuple[Check, ...] = surroundings.CHECKS
    if _fine(findings):
        findings += _visit(hub, (database.MIGRATED,), until)
        rest = (*database.CHECKS, *rest)
    if _fine(findings):
        rest = (*rest, *connections.checks(hub), *books.CHECKS)
    return findings + _visit(hub, rest, until)


def _fine(findings: Sequence[Finding]) -> bool:
    return all(finding.state != "failed" for finding in findings)


def _visit(hub: Hub, checks: Sequence[Check], until: float) -> list[Finding]:
    visits = [_Visit(hub, check) for check in checks]
    return [finding for visit in visits for finding in visit.findings(until)]


class _Visit:
    """One check at work; a thread that nobody waits for any more ends with the process."""

    def __init__(self, hub: Hub, check: Check) -> None:
        self._hub = hub
        self._check = check
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._look, name=check.name, daemon=True)
        self._thread.start()

    def findings(self, until: float) -> list[Finding]:
        self._thread.join(max(0.0, until - time.monotonic()))
        if not self._thread.is_alive():
            return self._found
        late = Finding(
            self._check.name,
            "failed",
            "did not answer in time",
            "Ask again; if it stays so, look whether this part of the machine is overloaded.",
        )
        return [*self._found, late]

    def _look(self) -> None:
        try:
            for finding in self._check.look(self._hub):
                self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - a check that fails is a finding
            self._found.append(
                Finding(
                    self._check.name,
                    "failed",
                    f"could not be looked at ({type(error).__name__})",
                    "See what the other lines say; if they are fine, this is a defect.",
                )
            )
