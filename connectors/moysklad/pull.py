"""Finds changed documents by polling: MoySklad drops a webhook after four tries in a row.

* Follows `updated` (Moscow time, always) and not offsets: a document that changes while pages
  are read moves to the end, and by offsets another would slip through the gap.
* Documents in the recycle bin are in no list but `isDeleted=true`, so each kind has two lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from connectors.moysklad.client import PAGE, MoySklad
from connectors.moysklad.schemas import LocalTime, Uuid, Wire, load
from connectors.moysklad.settings import COUNTERPARTY
from connectors.moysklad.translate import DOCUMENTS, kinds_of
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import PayloadInvalid
from loyalty_kit.ports import Hint, PullPage, Settings

MOSCOW = timezone(timedelta(hours=3))
"""The zone of `created` and `updated`, whatever the account's; Moscow has no summer time."""
OVERLAP = timedelta(minutes=10)
"""A document may be stored later than it is dated."""
STEP = PAGE // 2
"""From one page of documents of one `updated` to the next: those that change meanwhile leave, and
the others move up by as many places."""
BIN = "bin:"
"""Before a kind: those in the recycle bin."""

Row = dict[str, Any]


class DocumentRow(Wire):
    id = Uuid(required=True)
    updated = LocalTime(required=True)


_ROW = compile_load(DocumentRow())


@dataclass(frozen=True, slots=True)
class Track:
    """Where reading one list stands.  Times are texts as they are sent.

    `since`: where this round began; `after`: where its next page begins; `offset` is above 0
    only while more than a page of documents share one `updated`.  `seen`: the documents of the
    overlap, by id with their times, so that an idle account gives no hints.
    """

    since: str
    after: str
    offset: int = 0
    seen: dict[str, str] = field(default_factory=dict)


class Pull:
    """The cursor is JSON: the list to read next, and a `Track` for each list."""

    def page(self, client: MoySklad, cursor: str | None, now: datetime) -> PullPage:
        """One page of one list.

        Raises: PayloadInvalid, and what the client raises.
        """
        lists = lists_of(client.settings)
        back = timedelta(days=client.settings["backfill_days"])
        since = _text(now.astimezone(MOSCOW) - back - OVERLAP)
        fresh = Track(since, since)
        current, tracks = (lists[0], {}) if cursor is None else _read(cursor)
        tracks = {listed: tracks.get(listed, fresh) for listed in lists}
        if current not in tracks:
            current = lists[0]  # the settings leave its kind out by now
        track, kind = tracks[current], current.removeprefix(BIN)
        rows = [
            load(_ROW, row) for row in client.rows(f"/entity/{kind}", _question(current, track))
        ]
        hints = tuple(
            Hint(kind, row["id"]) for row in rows if track.seen.get(row["id"]) != _date(row)
        )
        full = len(rows) == PAGE
        tracks[current] = _further(track, rows) if full else _round_over(track, rows)
        following = current if full else lists[(lists.index(current) + 1) % len(lists)]
        more = full or following != lists[0]
        return PullPage(hints, _written(following, tracks), more)

    def recheck(self, client: MoySklad, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Documents that were deleted for ever: they are in no list any more."""
        return tuple(
            hint
            for kind in sorted({hint.kind for hint in known} & DOCUMENTS)
            for portion in _portions([hint for hint in known if hint.kind == kind])
            for hint in _missing(client, kind, portion)
        )


def lists_of(settings: Settings) -> list[str]:
    """The kinds that count, each with its recycle bin; sales before their returns.  Then, where
    the owner wants them read, counterparties."""
    lists = [listed for kind in kinds_of(settings) for listed in (kind, f"{BIN}{kind}")]
    return lists if settings["customers"] == "no" else [*lists, COUNTERPARTY]


def _missing(client: MoySklad, kind: str, portion: Sequence[Hint]) -> list[Hint]:
    """Those that neither the list nor the bin has."""
    present: set[str] = set()
    for deleted in ("", ";isDeleted=true"):
        asked = ";".join(f"id={hint.id}" for hint in portion) + deleted
        params = {"filter": asked, "limit": str(PAGE)}
        present |= {str(row.get("id")) for row in client.rows(f"/entity/{kind}", params)}
    return [hint for hint in portion if hint.id not in present]


def _portions(hints: Sequence[Hint]) -> Iterable[Sequence[Hint]]:
    """Addresses have 8 KB with the headers: a hundred ids would fill more than half of it."""
    return (hints[start : start + PAGE] for start in range(0, len(hints), PAGE))


def _question(listed: str, track: Track) -> dict[str, str]:
    deleted = "isDeleted=true;" if listed.startswith(BIN) else ""
    return {
        "filter": f"{deleted}updated>={track.after}",
        "order": "updated,asc",
        "limit": str(PAGE),
        "offset": str(track.offset),
    }


def _further(track: Track, rows: Sequence[Row]) -> Track:
    """After a full page: on from its last time, or to the next page within that time."""
    newest = max(row["updated"] for row in rows)
    seen = _overlap(track, rows, _text(newest - OVERLAP))
    after = _text(newest)
    if after > track.after:
        return replace(track, after=after, offset=0, seen=seen)
    return replace(track, offset=track.offset + STEP, seen=seen)


def _round_over(track: Track, rows: Sequence[Row]) -> Track:
    """After the last page: the next round begins a little before the newest document."""
    dates = [*track.seen.values(), *(_date(row) for row in rows)]
    newest = datetime.fromisoformat(max(dates, default=track.since))
    since = max(track.since, _text(newest - OVERLAP))
    return Track(since=since, after=since, seen=_overlap(track, rows, since))


def _overlap(track: Track, rows: Sequence[Row], after: str) -> dict[str, str]:
    seen = {**track.seen, **{row["id"]: _date(row) for row in rows}}
    return {document: date for document, date in seen.items() if date >= after}


def _date(row: Row) -> str:
    return _text(row["updated"])


def _text(moment: datetime) -> str:
    """`2026-03-14 18:42:31.020`; texts of this form sort as the times do."""
    plain = moment.replace(tzinfo=None)
    return plain.isoformat(sep=" ", timespec="milliseconds")


def _written(current: str, tracks: dict[str, Track]) -> str:
    return json.dumps({"list": current, "tracks": {n: asdict(t) for n, t in tracks.items()}})


def _read(cursor: str) -> tuple[str, dict[str, Track]]:
    try:
        kept = json.loads(cursor)
        return kept["list"], {name: Track(**track) for name, track in kept["tracks"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise PayloadInvalid("the cursor of the documents is not one of ours") from None
