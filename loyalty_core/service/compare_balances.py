"""A parallel run: the balances of the old system held against ours, day by day, each currency of
points by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.import_cells import Wrong, amount_of
from loyalty_core.service.import_balances import currency_of
from loyalty_core.service.imports import Report, Row, ground_of
from loyalty_core.service.named_rows import People, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import ledger, tiers
from loyalty_core.store.database import number_of
from loyalty_core.store.ids import to_wire
from loyalty_core.store.imports import Comparison
from loyalty_core.store.scratch import Scratch

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """A member whose balances differ, in hundredths; who is missing in the file has 0 there."""

    member: str
    currency: str
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
        self._told: set[str] = set()

    def read(self, connection: Connection, rows: Sequence[Row]) -> Report:
        """Add up what the file says of each member.  Raises: ProgrammeNotFound.

        Counts `unknown` and `unknown_points` of rows that name nobody are by currency.
        """
        ground, report = ground_of(connection, self._plans, self._programme_id), Report()
        legible = []
        for row in rows:
            try:
                told = row.sound()
                names = names_in(told, ground.region, self._system)
                code = currency_of(told, ground.plan.rules).code
                legible.append((row, names, code, amount_of(told.get("points", ""), "points")))
            except Wrong as wrong:
                report.reject(row.number, wrong)
        named = [names for _, names, _, _ in legible]
        people = People(connection, self._programme_id, named, lock=False)
        found: list[tuple[int, int]] = []
        for row, names, code, points in legible:
            self._told.add(code)
            try:
                found.append((_place(people.known(names), code), points))
            except Wrong as wrong:
                report.reject(row.number, wrong)
                report.counts[f"unknown/{code}"] += 1
                report.counts[f"unknown_points/{code}"] += points
        self._theirs.add(found)
        report.bad.sort(key=lambda bad: bad.number)
        return report

    def currencies(self, connection: Connection) -> list[str]:
        """The main one, and those of which the file tells.  Raises: ProgrammeNotFound."""
        rules = ground_of(connection, self._plans, self._programme_id).plan.rules
        told = [one.code for one in rules.currencies if one.code in self._told - {rules.main.code}]
        return [rules.main.code, *told]

    def pages(self, connection: Connection, currency: str, moment: datetime) -> Iterator[Compared]:
        """The members of the programme, more and more of them; what had happened until `moment`."""
        last, told = 0, Compared()
        while ids := tiers.members_after(connection, self._programme_id, last, PAGE):
            last = ids[-1]
            places = {_place(number, currency): number for number in ids}
            known = self._theirs.known(places)
            theirs = {places[place]: points for place, points in known.items()}
            ours = ledger.sums_until(connection, ids, currency, moment)
            told.differences = [
                Difference(to_wire("m", number), currency, his, own)
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
    if day >= now.astimezone(zone).date():
        return now
    after = day + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=zone)
    return midnight - timedelta(microseconds=1)


def outcome(day: date, read: Report, told: Mapping[str, Compared], now: datetime) -> Comparison:
    """What is kept of a comparison; `told` by currency, the main one first."""
    main, *others = (_figures(code, read, one) for code, one in told.items())
    codes = list(told)[1:]
    return Comparison(
        day.isoformat(), **main, made_at=now, others=dict(zip(codes, others, strict=True)) or None
    )


def _figures(code: str, read: Report, told: Compared) -> dict[str, int]:
    return {
        "members": told.members,
        "differing": told.differing,
        "unknown_rows": read.counts[f"unknown/{code}"],
        "theirs_points": told.theirs,
        "ours_points": told.ours,
        "unknown_points": read.counts[f"unknown_points/{code}"],
        "apart_points": told.apart,
    }


def _place(member: int, currency: str) -> int:
    """Where the notes keep what the file says."""
    return number_of(f"{member}/{currency}")
