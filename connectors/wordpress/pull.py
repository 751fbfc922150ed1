"""Finds changed orders by polling, beside the webhooks, which WooCommerce never repeats.

* Asks in the one form whose answer is right (seen on 10.5.2): `modified_after` in UTC without a
  suffix, with `dates_are_gmt=true`.  A `Z` beside that flag gives an empty list.
* Follows `date_modified` and not page numbers: an order that changes while pages are read
  moves to the end, and by page numbers another order would slip through the gap.
* Trashed orders are listed only with `status=trash`, so each round reads two lists.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields

from connectors.wordpress.client import PER_PAGE, WooClient
from connectors.wordpress.documents import ORDER
from connectors.wordpress.schemas import GmtTime, Number, Wire
from connectors.wordpress.translate import load
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import Hint, PullPage

OVERLAP = timedelta(minutes=2)
"""Times at the shop have whole seconds, and an order may be stored later than it is dated."""
LISTS = ("any", "trash")
DRAFTS = frozenset({"checkout-draft", "auto-draft"})
"""Carts that nobody has bought."""
THOROUGH = 100


Row = dict[str, Any]


class OrderRow(Wire):
    id = Number(required=True)
    status = fields.String(required=True)
    date_modified_gmt = GmtTime(required=True)


_ROW = compile_load(OrderRow())


@dataclass(frozen=True, slots=True)
class Track:
    """Where reading one list stands.  Times are texts as they are sent: UTC without a suffix.

    `since`: where this round began; `after`: where its next page begins; `page` is above 1 only
    while more than a page of orders share one second.  `seen`: the orders of the overlap, by id
    with their dates and statuses, so that an idle shop gives no hints, and an order that goes on
    within its second gives another.
    """

    since: str
    after: str
    page: int = 1
    seen: dict[str, str] = field(default_factory=dict)


class Pull:
    """The cursor is JSON: the list to read next, and a `Track` for each list."""

    def page(self, client: WooClient, cursor: str | None, now: datetime) -> PullPage:
        """One page of the list of orders, or of the trash.

        Raises: PayloadInvalid, and what the client raises.
        """
        current, tracks = _read(cursor) if cursor is not None else _first(client, now)
        track = tracks[current]
        rows = [load(_ROW, row) for row in client.orders(_question(current, track))]
        hints = tuple(
            Hint(ORDER, str(row["id"]))
            for row in rows
            if row["status"] not in DRAFTS and track.seen.get(str(row["id"])) != _mark(row)
        )
        full = len(rows) == PER_PAGE
        tracks[current] = _further(track, rows) if full else _round_over(track, rows)
        following = current if full else LISTS[1 - LISTS.index(current)]
        more = full or following != LISTS[0]
        return PullPage(hints, _written(following, tracks), more)

    def recheck(self, client: WooClient, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Orders that may have changed without a trace.

        Deleting an order for ever, or one of its refunds, sends nothing and moves no date.
        Given up to `THOROUGH` orders, all come back: only reading an order's refunds again
        shows that one has vanished.  Given more, the cheap half is done, one call a hundred:
        those come back that are not among the shop's orders any more.
        """
        orders = tuple(hint for hint in known if hint.kind == ORDER)
        if len(orders) <= THOROUGH:
            return orders
        portions = (orders[start : start + PER_PAGE] for start in range(0, len(orders), PER_PAGE))
        return tuple(hint for portion in portions for hint in _missing(client, portion))


def _missing(client: WooClient, portion: Sequence[Hint]) -> list[Hint]:
    ids = ",".join(hint.id for hint in portion)
    rows = client.orders({"include": ids, "status": "any", "_fields": "id"})
    present = {str(row.get("id")) for row in rows}
    return [hint for hint in portion if hint.id not in present]


def _question(listed: str, track: Track) -> dict[str, str]:
    return {
        "status": listed,
        "modified_after": track.after,
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "page": str(track.page),
        "_fields": "id,status,date_modified_gmt",
    }


def _further(track: Track, rows: Sequence[Row]) -> Track:
    """After a full page: on from its last second, or to the next page within that second."""
    newest = max(row["date_modified_gmt"] for row in rows)
    after = _text(newest - timedelta(seconds=1))
    seen = _overlap(track, rows, _text(newest - OVERLAP))
    if after > track.after:
        return replace(track, after=after, page=1, seen=seen)
    return replace(track, page=track.page + 1, seen=seen)


def _round_over(track: Track, rows: Sequence[Row]) -> Track:
    """After the last page: the next round begins a little before the newest order."""
    dates = [*map(_date_of, track.seen.values()), *(_date(row) for row in rows)]
    newest = datetime.fromisoformat(max(dates, default=track.since))
    since = max(track.since, _text(newest - OVERLAP))
    return Track(since=since, after=since, seen=_overlap(track, rows, since))


def _overlap(track: Track, rows: Sequence[Row], after: str) -> dict[str, str]:
    seen = {**track.seen, **{str(row["id"]): _mark(row) for row in rows}}
    return {order: mark for order, mark in seen.items() if _date_of(mark) > after}


def _mark(row: Row) -> str:
    """`2026-11-22T12:00:00 processing`"""
    return f"{_date(row)} {row['status']}"


def _date_of(mark: str) -> str:
    return mark.partition(" ")[0]


def _date(row: Row) -> str:
    return _text(row["date_modified_gmt"])


def _text(moment: datetime) -> str:
    """UTC without a suffix; texts of this form sort as the times do."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat()


def _first(client: WooClient, now: datetime) -> tuple[str, dict[str, Track]]:
    back = timedelta(days=client.settings["backfill_days"])
    since = _text(now.astimezone(UTC) - back - OVERLAP)
    return LISTS[0], {listed: Track(since, since) for listed in LISTS}


def _written(current: str, tracks: dict[str, Track]) -> str:
    return json.dumps({"list": current, **{name: asdict(each) for name, each in tracks.items()}})


def _read(cursor: str) -> tuple[str, dict[str, Track]]:
    try:
        kept = json.loads(cursor)
        tracks = {listed: Track(**kept[listed]) for listed in LISTS}
        return LISTS[LISTS.index(kept["list"])], tracks
    except (ValueError, TypeError, KeyError):
        raise PayloadInvalid("the cursor of the orders is not one of ours") from None
