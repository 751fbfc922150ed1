"""What members have bought, and the tier that it gives them (`ledger.md` 14, 25)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import History
from loyalty_core.domain.errors import BeyondCount
from loyalty_core.domain.points import MOST
from loyalty_core.domain.rules import RuleSet
from loyalty_core.domain.tiers import tier_for
from loyalty_core.store import members as store
from loyalty_core.store.members import TierChange


@dataclass(frozen=True, slots=True)
class Counted:
    """What a purchase counted for in kopecks, and what it counts for now.

    `retimed`: a revision says another time of it than before.
    """

    before_minor: int
    now_minor: int
    bought_at: datetime
    retimed: bool = False


class Standings:
    """The spend and tiers of some members, their rows locked, while a batch changes them."""

    def __init__(self, connection: Connection, ids: Collection[int]) -> None:
        self._connection = connection
        self._standing = store.lock_standings(connection, ids)
        self._history = store.tier_history(connection, ids) if ids else {}
        self._changes: dict[tuple[int, datetime], TierChange] = {}
        self._moved: set[int] = set()
        self._stale: set[int] = set()

    def tier_at(self, member: int, moment: datetime) -> str | None:
        """The tier as known for that time; what happens then counts for what comes after."""
        known = [change.tier for change in self._history.get(member, ()) if change.at < moment]
        return known[-1] if known else None

    def spent(self, member: int) -> int:
        """Kopecks spent on goods so far, net of refunds."""
        return self._standing[member].spent_minor

    def history(self, member: int) -> History:
        """What the member has bought so far."""
        standing = self._standing[member]
        return History(standing.purchase_count, standing.spent_minor, standing.last_purchase_at)

    def count_purchase(self, member: int, change: Counted, rules: RuleSet, at: datetime) -> None:
        """Count what a purchase now comes to; its tier holds from `at` on.

        Raises: BeyondCount.
        """
        self.add_spend(member, change.now_minor - change.before_minor, rules, at)
        standing, last = self._standing[member], self._standing[member].last_purchase_at
        before, now = change.before_minor > 0, change.now_minor > 0
        if before != now:
            self._moved.add(member)
            standing.purchase_count = max(0, standing.purchase_count + (1 if now else -1))
        if now and (last is None or last < change.bought_at):
            self._moved.add(member)
            standing.last_purchase_at = change.bought_at
        elif before and (not now or change.retimed):
            self._moved.add(member)
            self._stale.add(member)

    def add_history(self, member: int, other: int) -> None:
        """What `other` has bought counts for `member` as well, but for the spend."""
        mine, theirs = self._standing[member], self._standing[other]
        self._moved.add(member)
        mine.purchase_count += theirs.purchase_count
        times = [one.last_purchase_at for one in (mine, theirs) if one.last_purchase_at]
        mine.last_purchase_at = max(times, default=None)

    def add_spend(self, member: int, minor: int, rules: RuleSet, at: datetime) -> None:
        """Count `minor` kopecks more (or less) from `at` on, and the tier that this gives.

        Raises: BeyondCount.
        """
        if not minor:
            return
        self._moved.add(member)
        standing = self._standing[member]
        standing.spent_minor = max(0, standing.spent_minor + minor)
        if standing.spent_minor > MOST:
            raise BeyondCount
        reached = tier_for(rules, standing.spent_minor)
        tier = None if reached is None else reached.code
        if tier == standing.tier:
            return
        standing.tier = tier
        history = self._history.setdefault(member, [])
        change = TierChange(member, max([at, *(one.at for one in history[-1:])]), tier)
        if history and history[-1].at == change.at:
            history.pop()
        history.append(change)
        self._changes[(member, change.at)] = change

    def write(self) -> None:
        """The purchases of the batch are written already: the last one is asked of them."""
        store.add_tier_changes(self._connection, list(self._changes.values()))
        if self._stale:
            aliases = store.aliases_of(self._connection, self._stale)
            for member in self._stale:
                ids = [member, *aliases.get(member, ())]
                last = store.last_purchase_of(self._connection, ids)
                self._standing[member].last_purchase_at = last
        store.set_standings(
            self._connection, {member: self._standing[member] for member in self._moved}
        )
