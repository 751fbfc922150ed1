"""What stands in a programme at a glance: reads for the console's first page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty_core.store import overview as store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.overview import ReceiptRow


@dataclass(frozen=True, slots=True)
class LastReceipt:
    """`member` is the wire id; `row` holds kopecks and hundredths of a point."""

    row: ReceiptRow
    member: str | None

    @property
    def member_name(self) -> str:
        return " ".join(part for part in (self.row.first_name, self.row.last_name) if part)


@dataclass(frozen=True, slots=True)
class Overview:
    members: int
    dead_letters: int
    last_receipts: list[LastReceipt]


def count_dead_letters(connection: Connection, programme_id: int) -> int:
    """Deliveries that wait for a person to mend something and replay them."""
    return store.dead_deliveries(connection, programme_id)


def look_over(connection: Connection, programme_id: int, *, receipts: int) -> Overview:
    """The figures of the first page, with as many of the last `receipts` as there are."""
    return Overview(
        members=store.member_count(connection, programme_id),
        dead_letters=store.dead_deliveries(connection, programme_id),
        last_receipts=[
            LastReceipt(row, None if row.member_id is None else to_wire("m", row.member_id))
            for row in store.last_receipts(connection, programme_id, receipts)
        ],
    )
