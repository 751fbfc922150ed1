"""Bases of other systems that the console brings in: members, balances, receipts of before.

A file of the console begins at its first line whatever was cut off before: what is in already is
known, and so all lines that cannot be taken stand in one report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import PurePath

from sqlalchemy import Connection

from hub.bases import LONGEST_NAME, Base
from hub.import_columns import DEFAULT, Columns, joined, missing
from hub.intake import Outcome, Portion
from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.domain.errors import ImportMoved
from loyalty_core.domain.import_columns import KEPT, MEMBERS, WORDS, Column, guessed
from loyalty_core.service import imports as service
from loyalty_core.service.imports import Kind, Report, Row
from loyalty_core.store import imports as store
from loyalty_core.store.imports import KeptImport
from loyalty_core.store.scratch import Scratch
from loyalty_core.store.uploads import CHECKED, CHECKING, UploadRow

SYSTEM, BESIDES = "system", "besides"
"""Options of a file: whose its ids in `external` are, and that it comes on top of others."""
COLUMNS_MISSING = "columns_missing"


@dataclass(frozen=True, slots=True)
class BaseTaking:
    kind: str

    @property
    def words(self) -> Sequence[str]:
        return WORDS[self.kind]

    def look(self, hub: Hub, connection: Connection, row: UploadRow, sheet: Sheet) -> UploadRow:
        """Its columns mean what they did in the last file, or what such headings usually do.

        Raises: ImportKnown (this very file came under another name).
        """
        kept = store.kept_columns(connection, row.programme_id, self.kind, DEFAULT) or []
        columns = joined(
            [Column(word, heading, KEPT) for word, heading in kept if heading in sheet.names],
            guessed(self.kind, sheet.names, with_external=SYSTEM in row.options),
        )
        wanted = _base(row).wanted(Columns(self.kind, sheet, columns))
        service.refuse_known(connection, wanted)
        return read_by(row, columns)

    def intake(self, hub: Hub, row: UploadRow, sheet: Sheet) -> BaseIntake:
        return BaseIntake(hub, row, sheet)


def read_by(row: UploadRow, columns: Sequence[Column]) -> UploadRow:
    """The file with these columns; where one is missing, it waits for whoever says which that
    is."""
    row = replace(row, columns=[list(astuple(one)) for one in columns])
    lacks = missing(row.kind, columns)
    if not lacks:
        return row
    facts = {"missing": lacks}
    return replace(row, stage=CHECKED, due_at=None, error_code=COLUMNS_MISSING, error_facts=facts)


class BaseIntake:
    """One base on its way in."""

    def __init__(self, hub: Hub, row: UploadRow, sheet: Sheet) -> None:
        self._hub, self._base = hub, _base(row)
        self._dry = row.stage == CHECKING
        self._columns = Columns(row.kind, sheet, [Column(*one) for one in row.columns])
        self._scratch = Scratch()
        self._kept: KeptImport
        self._kind: Kind
        self.is_surveyed = False

    def begin(self, connection: Connection, done: int) -> Mapping[str, int]:
        """What the programme holds before.

        Raises: ProgrammeNotFound, ImportKnown, ImportMoved (somebody else has gone on with it).
        """
        plans, now = self._hub.plans, self._hub.clock.now()
        wanted = self._base.wanted(self._columns)
        self.is_surveyed = self._base.is_surveyed(connection)
        if self._dry:
            service.refuse_known(connection, wanted)
            self._kind = self._base.importer(plans, self._scratch, now)
            before = service.totals_of(connection, plans, wanted.programme_id, now=now)
            return _prefixed("before", before)
        kept = service.begin_import(connection, plans, wanted, now=now, anew=not done)
        if kept.position != done:
            raise ImportMoved
        where = (wanted.programme_id, wanted.kind, DEFAULT)
        store.keep_columns(connection, where, self._columns.told(), now=now)
        self._kept = kept
        self._kind = self._base.importer(plans, self._scratch, kept.started_at)
        return _prefixed("before", kept.before)

    def portions(self) -> Iterator[Portion]:
        yield from self._columns.portions()

    def skim(self, connection: Connection, lines: Sequence[Row]) -> None:
        self._kind.skim(connection, lines, now=self._hub.clock.now())

    def take(self, connection: Connection, lines: Sequence[Row], done: int) -> Outcome:
        """Raises: ProgrammeNotFound, ImportMoved."""
        now = self._hub.clock.now()
        if self._dry:
            report = self._kind.take(connection, lines, now=now, dry=True)
            report.counts["rows"] += len(lines)
        else:
            kept = replace(self._kept, position=done)
            _, report = service.take_portion(connection, kept, self._kind, lines, _no_file, now=now)
        counts = report.counts
        bad = [(one.number, {"code": one.code, "facts": one.facts}) for one in report.bad]
        added = counts["new" if self._base.kind == MEMBERS else "taken"]
        return Outcome(added, counts["known"], bad, counts)

    def finish(self, connection: Connection, counts: Mapping[str, int]) -> Mapping[str, int]:
        """With what the programme holds then, or would hold.  Raises: ProgrammeNotFound."""
        if self._dry:
            after = {
                "members": counts["members_before"] + counts.get("new", 0),
                "points": counts["points_before"] + counts.get("points_taken", 0),
            }
        else:
            plans, now = self._hub.plans, self._hub.clock.now()
            done = service.finish_import(connection, plans, self._kept, now=now)
            after = dict(done.after or {})
        return {**counts, **_prefixed("after", after)}

    def close(self) -> None:
        self._scratch.close()


def _base(row: UploadRow) -> Base:
    """The import is called as the file, without its ending."""
    name = PurePath(row.name).stem.strip()[:LONGEST_NAME] or row.kind
    told = row.options
    return Base(row.programme_id, row.kind, name, told.get(SYSTEM), BESIDES in told, row.made_by)


def _no_file(_: Report) -> int:
    """Rejected rows are kept beside the file that came, not in one of their own."""
    return 0


def _prefixed(when: str, totals: Mapping[str, int]) -> dict[str, int]:
    return {f"{name}_{when}": figure for name, figure in totals.items()}
