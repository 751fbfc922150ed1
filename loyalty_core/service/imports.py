"""A file's way into the programme: portions, each a transaction that says how far it came.

Whoever was cut off goes on with the row after the last portion.  What a row books has a key of
its own, by which it is looked for under the names of all imports: so a file that comes once more,
or mended, under whatever name, books what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import ImportKnown, ImportMoved, ProgrammeNotFound
from loyalty_core.domain.import_cells import Wrong
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import imports as store
from loyalty_core.store import programmes
from loyalty_core.store.ids import new_id
from loyalty_core.store.imports import DONE, RUNNING, KeptImport
from loyalty_core.store.past_sales import BROUGHT_IN
from loyalty_core.store.programmes import Programme

PORTION = 1000
"""Rows of one transaction."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: the line on which it ends, and its cells by our words; empty ones are
    left out.  `fault`: the code of what is wrong with it as a whole."""

    number: int
    told: Mapping[str, str]
    fault: str | None = None

    def sound(self) -> Mapping[str, str]:
        """Its cells.  Raises: Wrong, where they may stand under wrong headings."""
        if self.fault is not None:
            raise Wrong(self.fault)
        return self.told


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that was not taken.  `code` is stable, `facts` stand in its sentence."""

    number: int
    code: str
    facts: Mapping[str, str]


@dataclass(slots=True)
class Report:
    """What became of rows; `counts` of points are in hundredths."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[Bad] = field(default_factory=list)

    def reject(self, number: int, wrong: Wrong) -> None:
        self.counts["rejected"] += 1
        self.counts[f"rejected_{wrong.code}"] += 1
        self.bad.append(Bad(number, wrong.code, wrong.facts))


class Kind(Protocol):
    """Members, balances or purchases: what their rows mean."""

    def take(
        self, connection: Connection, rows: Sequence[Row], *, now: datetime, dry: bool
    ) -> Report:
        """Bring in a portion; `dry` writes nothing and reports the same.

        Raises: ProgrammeNotFound.
        """

    def skim(self, connection: Connection, rows: Sequence[Row], *, now: datetime) -> None:
        """Remember of rows that were done before what later ones are held against.

        Raises: ProgrammeNotFound.
        """


@dataclass(frozen=True, slots=True)
class Ground:
    """The programme and its rules in force, as a portion is brought in by them."""

    programme: Programme
    plan: Plan
    ladder: Ladder

    @property
    def zone(self) -> ZoneInfo:
        return self.ladder.terms.zone

    @property
    def region(self) -> str:
        return self.plan.rules.policies.phone_region


def ground_of(connection: Connection, plans: PlanCache, programme_id: int) -> Ground:
    """Raises: ProgrammeNotFound."""
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    plan = plans.get(connection, programme.id, programme.rules_version)
    return Ground(programme, plan, Ladder.of(plan.rules, ZoneInfo(programme.timezone)))


def sources_of(connection: Connection, programme_id: int, kind: str) -> set[str]:
    """Of the receipts that imports of this kind have booked."""
    names = store.names_of_imports(connection, programme_id, kind)
    return {f"{BROUGHT_IN}{name}" for name in names}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which file is to be brought in: its kind, its name of this import, and its hashes: with
    how it is read, and of its content alone."""

    programme_id: int
    kind: str
    name: str
    file_hash: str
    content_hash: str


def refuse_known(connection: Connection, wanted: Wanted) -> None:
    """Raises: ImportKnown (this very file has another name already)."""
    name = store.same_content(connection, wanted.programme_id, wanted.kind, wanted.content_hash)
    if name is not None and name != wanted.name:
        raise ImportKnown({"name": name})


def begin_import(
    connection: Connection,
    plans: PlanCache,
    wanted: Wanted,
    *,
    now: datetime,
    anew: bool = False,
) -> KeptImport:
    """The import as it stands: where the same file was cut off, unless it is to begin `anew`, else
    at its first row.

    Raises: ProgrammeNotFound, ImportKnown.
    """
    refuse_known(connection, wanted)
    before = totals_of(connection, plans, wanted.programme_id, now=now)
    fresh = KeptImport(
        new_id(now),
        wanted.programme_id,
        wanted.kind,
        wanted.name,
        wanted.file_hash,
        RUNNING,
        now,
        now,
        before=before,
        content_hash=wanted.content_hash,
    )
    store.add_import(connection, fresh)
    refuse_known(connection, wanted)
    kept = store.find_import(connection, wanted.programme_id, wanted.kind, wanted.name, lock=True)
    assert kept is not None
    if kept.state == RUNNING and kept.file_hash == wanted.file_hash and not anew:
        return kept
    fresh.id = kept.id
    store.keep_import(connection, fresh)
    return fresh


def take_portion(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    kept: KeptImport,
    kind: Kind,
    rows: Sequence[Row],
    keep: Callable[[Report], int],
    *,
    now: datetime,
) -> tuple[KeptImport, Report]:
    """Bring in the rows after `kept.position`; the import as it stands then.

    `keep` puts rejected rows away and gives where their file ends.

    Raises: ProgrammeNotFound, ImportMoved (somebody else is bringing in the same file).
    """
    stands = store.find_import(connection, kept.programme_id, kept.kind, kept.name, lock=True)
    if stands is None or (stands.position, stands.state) != (kept.position, RUNNING):
        raise ImportMoved
    report = kind.take(connection, rows, now=now, dry=False)
    report.counts["rows"] += len(rows)
    stands.position += len(rows)
    counts = Counter(stands.counts)
    counts.update(report.counts)
    stands.counts = dict(counts)
    stands.bookmark = keep(report)
    stands.changed_at = now
    store.keep_import(connection, stands)
    return stands, report


def finish_import(
    connection: Connection, plans: PlanCache, kept: KeptImport, *, now: datetime
) -> KeptImport:
    """Raises: ProgrammeNotFound."""
    kept.after = totals_of(connection, plans, kept.programme_id, now=now)
    kept.state, kept.changed_at = DONE, now
    store.keep_import(connection, kept)
    return kept


def totals_of(
    connection: Connection, plans: PlanCache, programme_id: int, *, now: datetime
) -> dict[str, int]:
    """`members`, and `points` of the main currency in hundredths.  Raises: ProgrammeNotFound."""
    currency = ground_of(connection, plans, programme_id).plan.main.code
    return dict(store.totals(connection, programme_id, currency, now))
