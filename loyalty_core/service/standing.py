"""What members have spent, and the tier that it gives them (`ledger.md` 14, 25)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.errors import BeyondCount
from loyalty_core.domain.points import MOST
from loyalty_core.domain.rules import RuleSet
from loyalty_core.domain.tiers import tier_for
from loyalty_core.store import members as store
from loyalty_core.store.members import TierChange


class Standings:
    """The spend and tiers of some members, their rows locked, while a batch changes them."""

    def __init__(self, connection: Connection, ids: Collection[int]) -> None:
        self._connection = connection
        standings = store.lock_standings(connection, ids)
        self._spent = {member: spent for member, (spent, _) in standings.items()}
        self._tier = {member: tier for member, (_, tier) in standings.items()}
        self._history = store.tier_history(connection, ids) if ids else {}
        self._changes: dict[tuple[int, datetime], TierChange] = {}
        self._moved: set[int] = set()

    def tier_at(self, member: int, moment: datetime) -> str | None:
        """The tier as known for that time; what happens then counts for what comes after."""
        known = [change.tier for change in self._history.get(member, ()) if change.at < moment]
        return known[-1] if known else None

    def spent(self, member: int) -> int:
        """Kopecks spent on goods so far, net of refunds."""
        return self._spent[member]

    def add_spend(self, member: int, minor: int, rules: RuleSet, at: datetime) -> None:
        """Count `minor` kopecks more (or less) from `at` on, and the tier that this gives.

        Raises: BeyondCount.
        """
        if not minor:
            return
        self._moved.add(member)
        self._spent[member] = max(0, self._spent[member] + minor)
        if self._spent[member] > MOST:
            raise BeyondCount
        reached = tier_for(rules, self._spent[member])
        tier = None if reached is None else reached.code
        if tier == self._tier[member]:
            return
        self._tier[member] = tier
        history = self._history.setdefault(member, [])
        change = TierChange(member, max([at, *(one.at for one in history[-1:])]), tier)
        if history and history[-1].at == change.at:
            history.pop()
        history.append(change)
        self._changes[(member, change.at)] = change

    def write(self) -> None:
        store.add_tier_changes(self._connection, list(self._changes.values()))
        store.set_standings(
            self._connection,
            [(member, self._spent[member], self._tier[member]) for member in sorted(self._moved)],
        )
