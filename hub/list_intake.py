"""Lists that the console brings in: goods, coupons, certificates, by the words of their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from hub.intake import Outcome, Portion
from hub.sheets import Rows, Sheet
from hub.wiring import Hub
from loyalty_core.service.import_codes import Line, Taker, Way
from loyalty_core.store.uploads import CHECKING, UploadRow


@dataclass(frozen=True, slots=True)
class ListTaking:
    """`headings`: what our `words` may be called in the file, beside themselves; `needed` of them
    must be there."""

    words: Sequence[str]
    taker: Callable[[Way], Taker]
    headings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needed: Sequence[str] = ("code",)

    def look(self, hub: Hub, connection: Connection, row: UploadRow, sheet: Sheet) -> UploadRow:
        """Raises: SheetUnreadable, InvalidInput (no such series, or its lot is of another)."""
        self._rows(sheet)
        self.taker(_way(hub, row)).take(connection, [])
        return row

    def intake(self, hub: Hub, row: UploadRow, sheet: Sheet) -> ListIntake:
        """Raises: SheetUnreadable."""
        return ListIntake(self._rows(sheet), self.taker(_way(hub, row)))

    def _rows(self, sheet: Sheet) -> Rows:
        called = {name.casefold(): name for name in sheet.names}
        told = {
            word: called[heading]
            for word, headings in self.headings.items()
            for heading in headings
            if heading in called and word not in called
        }
        return Rows(sheet, self.words, told=told, needed=self.needed)


class ListIntake:
    """One list on its way in."""

    is_surveyed = False

    def __init__(self, rows: Rows, taker: Taker) -> None:
        self._rows, self._taker = rows, taker

    def begin(self, connection: Connection, done: int) -> Mapping[str, int]:
        return {}

    def portions(self) -> Iterator[Portion]:
        yield from self._rows.portions()

    def skim(self, connection: Connection, lines: Sequence[Line]) -> None:
        self._taker.skim(connection, lines)

    def take(self, connection: Connection, lines: Sequence[Line], done: int) -> Outcome:
        report = self._taker.take(connection, lines)
        return Outcome(report.added, report.known, report.bad)

    def finish(self, connection: Connection, counts: Mapping[str, int]) -> Mapping[str, int]:
        return counts

    def close(self) -> None:
        """It holds nothing."""


def _way(hub: Hub, row: UploadRow) -> Way:
    told, dry = row.options, row.stage == CHECKING
    series = told.get("series") or None
    now = hub.clock.now()
    return Way(hub.plans, row.programme_id, told.get("lot", ""), series, row.made_by, now, dry=dry)
