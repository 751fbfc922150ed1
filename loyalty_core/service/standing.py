"""What members have bought, and the tier that it gives them (`ledger.md` 14, 25)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty_core.domain.conditions.scene import History
from loyalty_core.domain.errors import BeyondCount
from loyalty_core.domain.ladder_path import Contribution, Step
from loyalty_core.domain.points import MOST
from loyalty_core.domain.tiers import Ladder
from loyalty_core.store import members as store
from loyalty_core.store import outbox, tiers
from loyalty_core.store.ids import to_wire
from loyalty_core.store.members import Standing
from loyalty_core.store.outbox import Notice
from loyalty_core.store.tiers import TierChange
from loyalty_core.store.types import to_micros
from loyalty_kit.frozen import frozen

TIER_CHANGED = "tier_changed"
TIER_ENDING = "tier_ending"


@frozen
class Counted:
    """What a purchase counted for in kopecks, and what it counts for now.

    `points`: what is left of what it earned in the ladder's currency.  `retimed`: a revision
    says another time of it than before.
    """

    purchase_id: int
    before_minor: int
    now_minor: int
    bought_at: datetime
    points: int = 0
    retimed: bool = False


class Standings:
    """The spend and tiers of some members, their rows locked, while a batch changes them.

    What brought members forward is read only where the ladder asks for more than their spend
    of all time.
    """

    def __init__(
        self,
        connection: Connection,
        programme_id: int,
        ids: Collection[int],
        ladder: Ladder,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._programme_id = programme_id
        self._ladder = ladder
        self._now = now
        self._standing = store.lock_standings(connection, ids)
        history = tiers.tier_history(connection, ids) if ids else {}
        self._booked: dict[int, list[TierChange]] = {}
        self._scheduled: dict[int, list[TierChange]] = {}
        for member, standing in self._standing.items():
            self._take(member, standing, history.get(member, []))
        self._given: dict[int, tiers.Given] = {}
        if ladder.asks_history and ids:
            self._given = tiers.contributions(connection, ladder, ids)
        self._before = {member: one.tier for member, one in self._standing.items()}
        self._changes: dict[tuple[int, datetime], TierChange] = {}
        self._notices: list[Notice] = []
        self._moved: set[int] = set()
        self._stale: set[int] = set()
        self._rescheduled: set[int] = set()

    def _take(self, member: int, standing: Standing, history: list[TierChange]) -> None:
        """What was scheduled until now has happened, though no job has booked it yet."""
        ahead = standing.next_tier_at is not None
        coming = [one for one in history if ahead and one.at > self._now]
        self._booked[member] = history[: len(history) - len(coming)]
        self._scheduled[member] = coming

    @property
    def currency(self) -> str:
        """Whose points count where tiers go by points."""
        return self._ladder.currency

    # --- asked ----------------------------------------------------------------------------

    def tier_at(self, member: int, moment: datetime) -> str | None:
        """The tier as known for that time; what happens then counts for what comes after."""
        changes = (*self._booked.get(member, ()), *self._scheduled.get(member, ()))
        known = [change.tier for change in changes if change.at < moment]
        return known[-1] if known else self._ladder.reached(0)

    def measured_at(self, member: int, moment: datetime, *, but: int) -> int | None:
        """What counts for the tier just before that time, in its window, without one purchase.

        None where the receipt that reaches a tier does not earn by it yet.
        """
        if not self._ladder.earns_at_once:
            return None
        return self._ladder.measured_before(self._given[member], moment, but=but)

    def history(self, member: int) -> History:
        """What the member has bought so far."""
        standing = self._standing[member]
        return History(standing.purchase_count, standing.spent_minor, standing.last_purchase_at)

    # --- changed --------------------------------------------------------------------------

    def count_purchase(self, member: int, change: Counted, at: datetime) -> None:
        """Count what a purchase now comes to; a tier that this changes holds from `at` on.

        Raises: BeyondCount.
        """
        self._add_spend(member, change.now_minor - change.before_minor)
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
        if self._ladder.asks_history:
            amount = self._ladder.amount(change.now_minor, change.points)
            self._set(member, change.purchase_id, change.bought_at, amount)
        self.settle(member, at)

    def take_over(self, member: int, other: int) -> None:
        """What `other` has bought and done counts for `member` alone from now on.

        Raises: BeyondCount.
        """
        mine, theirs = self._standing[member], self._standing[other]
        self._moved |= {member, other}
        self._add_spend(member, theirs.spent_minor)
        mine.purchase_count += theirs.purchase_count
        times = [one.last_purchase_at for one in (mine, theirs) if one.last_purchase_at]
        mine.last_purchase_at = max(times, default=None)
        theirs.spent_minor = theirs.purchase_count = 0
        theirs.last_purchase_at = None
        if self._ladder.asks_history:
            self._given[member] |= self._given.pop(other)
        self._schedule(other, ())
        self.settle(member, self._now)

    def roll(self, member: int) -> None:
        """Book the change that has come, or warn of the fall that is near."""
        standing = self._standing[member]
        if standing.tier_look_at is None or standing.tier_look_at > self._now:
            return
        self.settle(member, self._now)
        falls_at = standing.next_tier_at
        if falls_at is not None and standing.tier_look_at <= self._now:
            self._moved.add(member)
            standing.tier_look_at = standing.tier_warned_of = falls_at
            self._warn(member, falls_at)

    def _add_spend(self, member: int, minor: int) -> None:
        if not minor:
            return
        self._moved.add(member)
        standing = self._standing[member]
        standing.spent_minor = max(0, standing.spent_minor + minor)
        if standing.spent_minor > MOST:
            raise BeyondCount

    def _set(self, member: int, number: int, at: datetime, amount: int) -> None:
        if amount:
            self._given[member][number] = Contribution(at, amount)
        else:
            self._given[member].pop(number, None)

    # --- the tier -------------------------------------------------------------------------

    def settle(self, member: int, at: datetime) -> None:
        """Rate a member by the ladder; a tier that differs from the booked one holds from `at`
        on, or from when the history reached it.  What has happened stays as it was booked."""
        standing, ladder = self._standing[member], self._ladder
        if ladder.asks_history:
            place = ladder.place(self._given[member].values(), self._now)
            tier, coming = ladder.code(place.rank), place.coming
            at = min(max(at, place.after or at), self._now)
        else:
            tier, coming = ladder.reached(standing.spent_minor), ()
        if standing.next_tier_at is not None and standing.next_tier_at <= self._now:
            self._moved.add(member)
            standing.tier = self._booked[member][-1].tier
        if tier != standing.tier:
            self._change(member, tier, at)
        self._schedule(member, coming)

    def _change(self, member: int, tier: str | None, at: datetime) -> None:
        self._moved.add(member)
        self._standing[member].tier = tier
        booked = self._booked[member]
        change = TierChange(member, max([at, *(one.at for one in booked[-1:])]), tier)
        if booked and booked[-1].at == change.at:
            booked.pop()
        booked.append(change)
        self._changes[(member, change.at)] = change

    def _schedule(self, member: int, coming: Sequence[Step]) -> None:
        standing = self._standing[member]
        rows = [TierChange(member, one.after, self._ladder.code(one.rank)) for one in coming]
        if rows != self._scheduled[member]:
            self._rescheduled.add(member)
            self._scheduled[member] = rows
        next_at = coming[0].since if coming else None
        look_at = next_at
        if coming and standing.tier_warned_of != next_at and self._is_fall(member, coming[0]):
            look_at = min(coming[0].since, self._ladder.warns_at(coming[0].since))
        if (next_at, look_at) != (standing.next_tier_at, standing.tier_look_at):
            self._moved.add(member)
            standing.next_tier_at, standing.tier_look_at = next_at, look_at

    def _is_fall(self, member: int, step: Step) -> bool:
        return step.rank < self._ladder.rank_of(self._standing[member].tier)

    # --- writing --------------------------------------------------------------------------

    def write(self, *, aloud: bool = True) -> None:
        """The purchases of the batch are written already: the last one is asked of them.

        `aloud`: members are told of tiers that changed.
        """
        self._write_tiers(aloud=aloud)
        if self._stale:
            aliases = store.aliases_of(self._connection, self._stale)
            for member in self._stale:
                ids = [member, *aliases.get(member, ())]
                last = store.last_purchase_of(self._connection, ids)
                self._standing[member].last_purchase_at = last
        store.set_standings(
            self._connection, {member: self._standing[member] for member in self._moved}
        )

    def _write_tiers(self, *, aloud: bool) -> None:
        rows = list(self._changes.values())
        if self._rescheduled:
            tiers.drop_tier_changes(self._connection, self._rescheduled, after=self._now)
            for member in sorted(self._rescheduled):
                rows += [one for one in self._booked[member] if one.at > self._now]
                rows += self._scheduled[member]
        tiers.add_tier_changes(self._connection, rows)
        if not aloud:
            return
        changed = [
            member
            for member in sorted(self._moved)
            if self._standing[member].tier != self._before[member]
        ]
        self._notices += [self._changed(member) for member in changed]
        outbox.announce(self._connection, self._notices, now=self._now)

    def _changed(self, member: int) -> Notice:
        was, now = self._before[member], self._standing[member].tier
        wire = to_wire("m", member)
        return Notice(
            self._programme_id,
            TIER_CHANGED,
            f"{wire}:{to_micros(self._now)}:{now or ''}",
            {"member": wire, "was": was, "now": now},
        )

    def _warn(self, member: int, falls_at: datetime) -> None:
        wire = to_wire("m", member)
        self._notices.append(
            Notice(
                self._programme_id,
                TIER_ENDING,
                f"{wire}:{to_micros(falls_at)}",
                {
                    "member": wire,
                    "tier": self._standing[member].tier,
                    "until": falls_at.isoformat(),
                    "then": self._scheduled[member][0].tier,
                },
            )
        )
