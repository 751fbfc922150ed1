"""Codes that an owner has already, brought in portion by portion, with a word on each bad line.

The same file once more brings in what is missing: a code that the lot has already is no news.
Coupons and certificates each say how a line is read and stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import PhoneImpossible, ProgrammeNotFound
from loyalty_core.domain.import_cells import is_rounded
from loyalty_core.domain.members import IdentityKey, card_key, email_key, phone_key
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.service.phones import normalise_phone
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import members, programmes
from loyalty_core.store.ids import from_wire
from loyalty_core.store.programmes import Programme

CARD = "card:"
"""Before a number that might be taken for a phone's."""


class Coded(Protocol):
    """What a line becomes."""

    @property
    def code(self) -> str: ...


C = TypeVar("C", bound=Coded)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number, and what stands in it by our words.  `is_torn`: it has more
    cells than headings, so they may stand under wrong ones."""

    number: int
    told: Mapping[str, str]
    is_torn: bool = False


@dataclass(slots=True)
class Report:
    """What became of lines.  `bad`: number and why, in words."""

    added: int = 0
    known: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)


class Taker(Protocol):
    """What the lines of a file mean."""

    def take(self, connection: Connection, lines: Sequence[Line]) -> Report:
        """Bring in a portion, or try to; in one transaction of the caller's."""

    def skim(self, connection: Connection, lines: Sequence[Line]) -> None:
        """Remember of lines that were taken before what later ones are held against."""


@dataclass(frozen=True, slots=True)
class Way:
    """Under which rules and into which lot a file goes; `dry` writes nothing."""

    plans: PlanCache
    programme_id: int
    lot: str
    series: str | None
    author: str
    now: datetime
    dry: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a portion needs to know."""

    now: datetime
    programme: Programme
    plan: Plan
    owners: Mapping[str, int]

    def owner(self, line: Line) -> int | None:
        """Whose the line's code is.  Raises: ValueError, in words for the owner."""
        who = line.told.get("member", "")
        if not who:
            return None
        if who not in self.owners:
            raise ValueError("names a member whom nobody knows")
        return self.owners[who]

    def time(self, line: Line, word: str) -> datetime | None:
        """A time with an offset; or a day of the programme's zone, the last one whole.  None of the
        first and the last year that there are: no clock can show all of their days.

        Raises: ValueError, in words for the owner.
        """
        said = line.told.get(word, "")
        if not said:
            return None
        try:
            moment = self._moment(said, word)
            known = moment.astimezone(UTC).year not in (MINYEAR, MAXYEAR)
        except OverflowError:
            known = False
        if not known:
            raise ValueError(f"has a {word} that is no time")
        return moment

    def _moment(self, said: str, word: str) -> datetime:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise ValueError(f"has a {word} that is no time") from None
        if moment.tzinfo is not None:
            return moment
        if len(said) > len("2026-12-31"):
            raise ValueError(f"has a {word} without an offset")
        day = moment + timedelta(days=1) if word == "ends_at" else moment
        return day.replace(tzinfo=ZoneInfo(self.programme.timezone))


class CodeImport(ABC, Generic[C]):
    """One file's way in, under the rules in force."""

    kind: str
    """What the codes are, in words for the owner."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self._seen: dict[str, int] = {}
        """Codes of the file, and the line on which each stood first: a portion that is tried
        again finds its own."""

    def take(self, connection: Connection, lines: Sequence[Line]) -> Report:
        """Bring in a portion; in one transaction of the caller's.  One of no lines asks whether
        the file can be brought in at all.

        Raises: ProgrammeNotFound, and what the kind of code raises.
        """
        wanted, report = self._read(connection, lines)
        self._store(connection, wanted, report)
        report.bad.sort()
        return report

    def skim(self, connection: Connection, lines: Sequence[Line]) -> None:
        """Remember what was brought in before: no later line may tell the same.

        Raises: ProgrammeNotFound.
        """
        self._read(connection, lines)

    def _read(
        self, connection: Connection, lines: Sequence[Line]
    ) -> tuple[dict[str, tuple[int, C]], Report]:
        way = self.way
        programme = programmes.programme_by_id(connection, way.programme_id)
        if programme is None:
            raise ProgrammeNotFound
        plan = way.plans.get(connection, programme.id, programme.rules_version)
        reading = Reading(way.now, programme, plan, _owners(connection, plan, programme, lines))
        read, report = self.reader(reading), Report()
        wanted: dict[str, tuple[int, C]] = {}
        for line in lines:
            try:
                _sound(line)
                one = read(line)
                if self._seen.setdefault(one.code, line.number) != line.number:
                    raise ValueError("stands in the file before")
            except ValueError as wrong:
                report.bad.append((line.number, str(wrong)))
                continue
            wanted[one.code] = (line.number, one)
        return wanted, report

    @abstractmethod
    def reader(self, reading: Reading) -> Callable[[Line], C]:
        """What makes a code of a line, or raises ValueError in words for the owner."""

    @abstractmethod
    def there(self, connection: Connection, codes: Iterable[str]) -> Mapping[str, int | None]:
        """Those of these that there are, with the lots that they belong to."""

    @abstractmethod
    def lot_of(self, connection: Connection, first: C | None) -> int | None:
        """The lot of the file; made for its first code, if there is one."""

    @abstractmethod
    def add(self, connection: Connection, lot_id: int, fresh: Sequence[C]) -> None:
        """Store new ones as the lot's."""

    def _store(
        self, connection: Connection, wanted: dict[str, tuple[int, C]], report: Report
    ) -> None:
        there = self.there(connection, wanted)
        first = None if self.way.dry or not wanted else next(iter(wanted.values()))[1]
        lot = self.lot_of(connection, first)
        for code, of_lot in there.items():
            number, _ = wanted.pop(code)
            if lot is not None and of_lot == lot:
                report.known += 1
            else:
                report.bad.append((number, f"is a {self.kind} already"))
        report.added = len(wanted)
        if not self.way.dry and lot is not None and wanted:
            self.add(connection, lot, [one for _, one in wanted.values()])


def _sound(line: Line) -> None:
    """Raises: ValueError, in words for the owner."""
    if line.is_torn:
        raise ValueError("has more cells than there are headings")
    if is_rounded(line.told.get("code", "")):
        raise ValueError("has a code of which a spreadsheet kept a part")


def _owners(
    connection: Connection, plan: Plan, programme: Programme, lines: Iterable[Line]
) -> dict[str, int]:
    """Members by what the lines call them: the hub's id, a phone, an e-mail or a card, which may
    say that it is one."""
    told = {who for line in lines if (who := line.told.get("member", ""))}
    numbers = {who: number for who in told if (number := from_wire("m", who)) is not None}
    region = plan.rules.policies.phone_region
    keys = {who: _key(who, region) for who in told - numbers.keys()}
    found = members.owners(connection, programme.id, list(keys.values()))
    known = numbers | {who: found[key] for who, key in keys.items() if key in found}
    alive = members.lock_survivors(connection, programme.id, set(known.values()))
    return {
        who: member for who, number in known.items() if (member := alive.get(number)) is not None
    }


def _key(who: str, region: str) -> IdentityKey:
    if who.startswith(CARD):
        return card_key(who.removeprefix(CARD))
    if "@" in who:
        return email_key(who)
    try:
        return phone_key(normalise_phone(who, region))
    except PhoneImpossible:
        return card_key(who)
