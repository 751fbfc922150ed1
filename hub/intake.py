"""What `hub.uploads` asks of each kind of file that the console brings in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from hub.sheets import Sheet
from hub.wiring import Hub
from loyalty_core.store.uploads import UploadRow, Why

Portion = list[tuple[Any, list[str]]]
"""Lines by our words, each with its `number`, beside what stands in the file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a portion.  `bad`: numbers of lines, and why; `counts`: figures of the kind's
    own."""

    added: int
    known: int
    bad: Sequence[tuple[int, Why]]
    counts: Mapping[str, int] = field(default_factory=dict)


class Intake(Protocol):
    """One file on its way in, through its check or its taking, in the hands of one worker."""

    def begin(self, connection: Connection, done: int) -> Mapping[str, int]:
        """Before its first line, or the one behind those that are `done`: counts to begin from.

        Raises: LoyaltyError.
        """

    @property
    def is_surveyed(self) -> bool:
        """Whether all lines are skimmed before the first is taken; known once it has begun."""

    def portions(self) -> Iterator[Portion]:
        """Raises: SheetUnreadable."""

    def skim(self, connection: Connection, lines: Sequence[Any]) -> None:
        """Remember of lines what others are held against."""

    def take(self, connection: Connection, lines: Sequence[Any], done: int) -> Outcome:
        """Bring in the portion behind those that are `done`, or try to."""

    def finish(self, connection: Connection, counts: Mapping[str, int]) -> Mapping[str, int]:
        """Behind its last line: what the counts are in the end."""

    def close(self) -> None: ...


class Taking(Protocol):
    """One kind of file."""

    @property
    def words(self) -> Sequence[str]:
        """By which columns are known."""

    def look(self, hub: Hub, connection: Connection, row: UploadRow, sheet: Sheet) -> UploadRow:
        """A file that has just come, as it is to be kept.

        Raises: SheetUnreadable, InvalidInput, ImportKnown.
        """

    def intake(self, hub: Hub, row: UploadRow, sheet: Sheet) -> Intake:
        """Raises: SheetUnreadable."""
