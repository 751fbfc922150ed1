"""Finds documents by polling: how long Evotor repeats a webhook is told for none but two kinds.

* Each shop is read by the cloud's own cursors.  `since` stands only in the first question of a
  series, and no document says whether it looks at the till's clock or at the arrival.
* So each round goes back an hour, and once a day one goes back seven days, for tills that were
  offline; of what it shows only documents that came to the cloud since the last such round are
  hinted at (`created_at`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.evotor import schemas
from connectors.evotor.client import Evotor, Params, cursor_of
from connectors.evotor.documents import hint_of
from connectors.evotor.schemas import id_of, load, moment_of, of_millis
from connectors.evotor.settings import CLOUD
from connectors.evotor.translate import KINDS, shop_of
from loyalty_kit.checker import compile_load
from loyalty_kit.errors import Gone, PayloadInvalid, RemoteMisconfigured
from loyalty_kit.ports import Heard, Hint, PullPage

OVERLAP = timedelta(hours=1)
"""Clocks differ, and a document may be stored later than it is dated."""
LATE = timedelta(days=7)
"""How far back tills that were offline are looked for, once a day."""
DAY = timedelta(days=1)

_ROW = compile_load(schemas.DocumentRow())
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Track:
    """Where reading one shop stands, in Unix milliseconds.

    `since`: documents of before the last round are known; `swept`: the same of the last long
    round; `seen`: documents of the overlap, so that an idle shop gives no hints.  While a series
    of pages is being read, `page` is its next cursor, `began` when it began, `wide` says that it
    is a long one.
    """

    since: int
    swept: int
    seen: dict[str, int] = field(default_factory=dict)
    page: str | None = None
    began: int = 0
    wide: bool = False


class Pull:
    """The cursor is JSON: the shops left in this round, and a `Track` for each."""

    def page(self, client: Evotor, cursor: str | None, now: datetime) -> PullPage:
        """One page of one shop.

        Raises: PayloadInvalid, and what the client raises.
        """
        if client.settings["feed"] != CLOUD:
            return PullPage((), cursor or _written([], {}), more=False)
        waiting, tracks = ([], {}) if cursor is None else _read(cursor)
        if not waiting:
            waiting = _stores(client)
            if not waiting:
                return PullPage((), _written([], tracks), more=False)
        store = waiting[0]
        back = timedelta(days=client.settings["backfill_days"])
        start = _millis(now - back)
        track = _begun(tracks.get(store) or Track(start, start), now)
        try:
            rows, following = client.documents(store, _question(track))
        except (Gone, RemoteMisconfigured) as error:
            if track.page is not None:
                # A cursor may be refused after a while: the next round begins this series again.
                tracks[store] = replace(track, page=None)
            elif not isinstance(error, Gone):
                raise
            # A shop that is gone must not keep the others from their turn.
            return PullPage((), _written(waiting[1:], tracks), more=len(waiting) > 1)
        found, track = _looked_at(track, rows)
        hints = tuple(hint_of(store, told["id"]) for told, _ in found)
        heard = _heard(found, shop_of(store, client.settings))
        if following is not None and following != track.page:
            tracks[store] = replace(track, page=following)
            return PullPage(hints, _written(waiting, tracks), more=True, heard=heard)
        tracks[store] = _ended(track)
        return PullPage(hints, _written(waiting[1:], tracks), more=len(waiting) > 1, heard=heard)

    def recheck(self, client: Evotor, known: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """Documents of a till do not change, and none is ever taken away."""
        return ()


def _stores(client: Evotor) -> list[str]:
    named = (id_of(row.get("id")) for row in client.stores())
    return sorted({one for one in named if one is not None})


def _begun(track: Track, now: datetime) -> Track:
    """A series that goes on, or the next one."""
    if track.page is not None:
        return track
    moment = _millis(now)
    wide = moment - track.swept >= _span(DAY)
    return replace(track, began=moment, wide=wide)


def _question(track: Track) -> Params:
    if track.page is not None:
        return cursor_of(track.page)
    since = track.since - _span(OVERLAP)
    if track.wide:
        since = min(since, track.swept - _span(LATE))
    return {"since": str(max(0, since)), "type": ",".join(KINDS)}


def _looked_at(track: Track, rows: Sequence[Any]) -> tuple[list[tuple[Row, int]], Track]:
    """What is new, each with the millisecond at which it came.

    A row that is no document is passed over: its own reading would fail as well.
    """
    border = (track.swept if track.wide else track.since) - _span(OVERLAP)
    found: dict[str, tuple[Row, int]] = {}
    seen = dict(track.seen)
    for row in rows:
        try:
            told = load(_ROW, row)
        except PayloadInvalid:
            continue
        if told["type"] not in KINDS:
            continue
        came = moment_of(told["created_at"])
        moment = track.began if came is None else _millis(came)
        if told["id"] in seen or (came is not None and moment < border):
            continue
        found[told["id"]] = (told, moment)
        if moment >= _shown_again_from(track):
            seen[told["id"]] = moment
    return list(found.values()), replace(track, seen=seen)


def _heard(found: Sequence[tuple[Row, int]], shop: str | None) -> tuple[Heard, ...]:
    """The terminals of new documents, each once, with the last of its documents."""
    last: dict[str, int] = {}
    for told, moment in found:
        if told["device"] is not None:
            last[told["device"]] = max(moment, last.get(told["device"], 0))
    times = {device: of_millis(moment) for device, moment in last.items()}
    return tuple(Heard(device, shop, at) for device, at in times.items() if at is not None)


def _ended(track: Track) -> Track:
    """After the last page; what is left of `seen` is what the next round may show again."""
    kept_from = _shown_again_from(track)
    seen = {name: moment for name, moment in track.seen.items() if moment >= kept_from}
    swept = track.began if track.wide else track.swept
    return Track(since=track.began, swept=swept, seen=seen)


def _shown_again_from(track: Track) -> int:
    """What came before is behind the border of every round after this one."""
    return (track.began if track.wide else min(track.began, track.swept)) - _span(OVERLAP)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _span(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _written(waiting: Sequence[str], tracks: dict[str, Track]) -> str:
    return json.dumps(
        {"waiting": list(waiting), "tracks": {name: asdict(one) for name, one in tracks.items()}}
    )


def _read(cursor: str) -> tuple[list[str], dict[str, Track]]:
    try:
        kept = json.loads(cursor)
        tracks = {str(name): Track(**track) for name, track in kept["tracks"].items()}
        return [str(name) for name in kept["waiting"]], tracks
    except (ValueError, TypeError, KeyError, AttributeError):
        raise PayloadInvalid("the cursor of the documents is not one of ours") from None
