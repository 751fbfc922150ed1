"""What stands in a programme at a glance: reads for the console's first page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.service.plans import PlanCache
from loyalty_core.store import audit, odd_receipts, safety, staff
from loyalty_core.store import overview as store
from loyalty_core.store.ids import first_id_at, from_wire, to_wire
from loyalty_core.store.overview import DayRow, ReceiptRow
from loyalty_core.store.programmes import Programme

_WEEK = timedelta(days=7)
_MOST = 50


@dataclass(frozen=True, slots=True)
class LastReceipt:
    """`member` is the wire id; `row` holds kopecks and hundredths of a point."""

    row: ReceiptRow
    member: str | None

    @property
    def purchase(self) -> str:
        return to_wire("p", self.row.id)

    @property
    def member_name(self) -> str:
        return " ".join(part for part in (self.row.first_name, self.row.last_name) if part)


@dataclass(frozen=True, slots=True)
class Overview:
    """`today` is what has been since midnight in the programme's zone, `before` the same stretch
    of the same day last week.  `refused`: points by hand that a limit stopped, in the last week;
    `at_limit`: who has given all that a day allows; `enrolled`: who has set up a second factor in
    the last week.  `flagged` receipts, `lost_refunds` and
    `conflicts` are counted up to 50."""

    members: int
    dead_letters: int
    last_receipts: list[LastReceipt]
    today: DayRow
    before: DayRow
    refused: int
    at_limit: list[str]
    enrolled: list[str]
    flagged: int
    lost_refunds: int
    conflicts: int


def count_dead_letters(connection: Connection, programme_id: int) -> int:
    """Deliveries that wait for a person to mend something and replay them."""
    return store.dead_deliveries(connection, programme_id)


def look_over(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme: Programme,
    *,
    receipts: int,
    now: datetime,
    shops: Collection[str] | None = None,
) -> Overview:
    """The figures of the first page, with as many of the last `receipts` as there are.

    `shops`: receipts of these alone.
    """
    zone = ZoneInfo(programme.timezone)
    local = now.astimezone(zone)
    midnight = datetime.combine(local.date(), time(), zone)
    a_week_ago = datetime.combine(local.date() - _WEEK, time(), zone)
    passed = now - midnight
    day = local.date().isoformat()
    return Overview(
        members=store.member_count(connection, programme.id),
        dead_letters=store.dead_deliveries(connection, programme.id),
        last_receipts=_told(
            store.last_receipts(
                connection,
                programme.id,
                receipts,
                currency=plans.newest(connection, programme.id).main.code,
                shops_of=shops,
            )
        ),
        today=store.stretch(connection, programme.id, midnight, now, now, shops_of=shops),
        before=store.stretch(
            connection, programme.id, a_week_ago, a_week_ago + passed, now, shops_of=shops
        ),
        refused=audit.count(connection, programme.id, "points_refused", since=now - _WEEK),
        at_limit=staff.at_their_limit(connection, programme.id, day),
        enrolled=[
            login
            for login, since in safety.factors_in(connection, programme.id).items()
            if since >= now - _WEEK
        ],
        flagged=len(
            odd_receipts.flagged(
                connection, programme.id, seen=False, before=None, limit=_MOST, shops_of=shops
            )
        ),
        lost_refunds=len(
            odd_receipts.lost_refunds(
                connection, programme.id, seen=False, before=None, limit=_MOST, shops_of=shops
            )
        ),
        conflicts=len(
            odd_receipts.conflicts(connection, programme.id, seen=False, after=None, limit=_MOST)
        ),
    )


def receipts_of_day(  # noqa: PLR0913 - which of them, each by keyword
    connection: Connection,
    plans: PlanCache,
    programme: Programme,
    *,
    source: str,
    shops: Collection[str] | None,
    day: date,
    before: str | None,
    now: datetime,
) -> tuple[list[LastReceipt], str | None]:
    """What one source sent on a day of the programme's zone, of these shops, the newest first;
    and the receipt before which the next page begins, None where there is none."""
    zone = ZoneInfo(programme.timezone)
    over = datetime.combine(day + timedelta(days=1), time(), zone)
    # Today has no end yet: ids go on from those of a clock that was ahead and was put right.
    bounds = [from_wire("p", before or ""), first_id_at(over) if over <= now else None]
    found = store.last_receipts(
        connection,
        programme.id,
        _MOST + 1,
        currency=plans.newest(connection, programme.id).main.code,
        source=source,
        shops_of=shops,
        since=datetime.combine(day, time(), zone),
        before=min((one for one in bounds if one is not None), default=None),
    )
    page = _told(found[:_MOST])
    return page, page[-1].purchase if len(found) > _MOST else None


def _told(rows: list[ReceiptRow]) -> list[LastReceipt]:
    return [
        LastReceipt(row, None if row.member_id is None else to_wire("m", row.member_id))
        for row in rows
    ]
