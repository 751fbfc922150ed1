"""A parallel run: the balances of the old system held against ours, day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.import_cells import Wrong, amount_of
from loyalty_core.service.imports import Report, Row, ground_of
from loyalty_core.service.named_rows import People, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import ledger, tiers
from loyalty_core.store.ids import to_wire
from loyalty_core.store.imports import Comparison
from loyalty_core.store.scratch import Scratch

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """A member whose balances differ, in hundredths; who is missing in the file has 0 there."""

    member: str
    theirs: int
    ours: int


@dataclass(slots=True)
class Compared:
    """Some members, and what they differ by in all.  `differences` are those of the last page."""

    members: int = 0
    theirs: int = 0
    ours: int = 0
    differing: int = 0
    apart: int = 0
    differences: list[Difference] = field(default_factory=list)


class BalanceComparison:
    """One file of the old system's balances, of the end of a day.

    Read all of its rows with `read`, then ask for the pages.
    """

    def __init__(
        self,
        plans: PlanCache,
        programme_id: int,
        scratch: Scratch,
        *,
        system: str | None,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._theirs = scratch
        self._system = system

    def read(self, connection: Connection, rows: Sequence[Row]) -> Report:
        """Add up what the file says of each member.  Raises: ProgrammeNotFound."""
        ground, report = ground_of(connection, self._plans, self._programme_id), Report()
        legible = []
        for row in rows:
            try:
                told = row.sound()
                names = names_in(told, ground.region, self._system)
                legible.append((row, names, amount_of(told.get("points", ""), "points")))
            except Wrong as wrong:
                report.reject(row.number, wrong)
        named = [names for _, names, _ in legible]
        people = People(connection, self._programme_id, named, lock=False)
        found: list[tuple[int, int]] = []
        for row, names, points in legible:
            try:
                found.append((people.known(names), points))
            except Wrong as wrong:
                report.reject(row.number, wrong)
                report.counts["unknown"] += 1
                report.counts["unknown_points"] += points
        self._theirs.add(found)
        report.bad.sort(key=lambda bad: bad.number)
        return report

    def pages(self, connection: Connection, moment: datetime) -> Iterator[Compared]:
        """The members of the programme, more and more of them; what had happened until `moment`.

        Raises: ProgrammeNotFound.
        """
        currency = ground_of(connection, self._plans, self._programme_id).plan.main.code
        last, told = 0, Compared()
        while ids := tiers.members_after(connection, self._programme_id, last, PAGE):
            last = ids[-1]
            theirs = self._theirs.known(ids)
            ours = ledger.sums_until(connection, ids, currency, moment)
            told.differences = [
                Difference(to_wire("m", number), his, own)
                for number in ids
                if (his := theirs.get(number, 0)) != (own := ours.get(number, 0))
            ]
            told.members += len(ids)
            told.theirs += sum(theirs.values())
            told.ours += sum(ours.values())
            told.differing += len(told.differences)
            told.apart += sum(abs(one.theirs - one.ours) for one in told.differences)
            yield told


def end_of(day: date, zone: ZoneInfo, now: datetime) -> datetime:
    """The last moment of a day, or now where it is not over yet."""
    after = day + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=zone)
    return min(midnight - timedelta(microseconds=1), now)


def outcome(day: date, read: Report, told: Compared, now: datetime) -> Comparison:
    """What is kept of a comparison."""
    return Comparison(
        day.isoformat(),
        told.members,
        told.differing,
        read.counts["unknown"],
        told.theirs,
        told.ours,
        read.counts["unknown_points"],
        told.apart,
        now,
    )
