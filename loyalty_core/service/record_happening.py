"""What is not a purchase: reviews, visits, registrations; kept once for rules to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import EventConflict
from loyalty_core.service.booking import Moved
from loyalty_core.service.identify import Ask, identify
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.rate_tiers import ladder_of, standings_of
from loyalty_core.service.receipts import EventReceipt, receipt_of
from loyalty_core.service.source import Source
from loyalty_core.store import happenings as store
from loyalty_core.store.codec import content_hash
from loyalty_core.store.database import lock_keys
from loyalty_core.store.ids import new_id, to_wire
from loyalty_kit.events import Customer


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind`: review, registration, survey, visit, cart, view, or one of the shop's own."""

    kind: str
    external_id: str
    occurred_at: datetime
    member: Customer | None
    data: Mapping[str, Any]


def record_happening(
    connection: Connection, plans: PlanCache, source: Source, event: Happening, *, now: datetime
) -> EventReceipt:
    """Keep it once; the same again gives the receipt of the first time.

    Raises: EventConflict (same id, other content), PhoneImpossible.
    """
    key = (source.programme_id, source.name, event.kind, event.external_id)
    lock_keys(connection, ["happening:" + ":".join(map(str, key))])
    content = content_hash([event.occurred_at.isoformat(), dict(event.data)])
    known = store.happening(connection, key)
    if known is not None:
        if known.content_hash != content:
            raise EventConflict({"external_id": event.external_id, "revision": "1"})
        return _receipt(known.id, known.member_id, created=False)
    member = _member_of(connection, plans, source, event, now)
    row = {
        "id": new_id(now),
        "programme_id": source.programme_id,
        "source": source.name,
        "kind": event.kind,
        "external_id": event.external_id,
        "member_id": member,
        "occurred_at": event.occurred_at,
        "content_hash": content,
        "data": dict(event.data),
    }
    store.add_happening(connection, row)
    if member is not None:
        _rate(connection, plans, source.programme_id, member, event, now)
    return _receipt(row["id"], member, created=True)


def _rate(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member: int,
    event: Happening,
    now: datetime,
) -> None:
    """What members do may bring them forward."""
    ladder = ladder_of(connection, plans, programme_id)
    if not ladder.asks_history or event.kind not in ladder.tiering.actions:
        return
    alive, standings = standings_of(connection, plans, programme_id, [member], now)
    for one in alive:
        standings.settle(one, event.occurred_at)
    standings.write()


def _member_of(
    connection: Connection, plans: PlanCache, source: Source, event: Happening, now: datetime
) -> int | None:
    if event.member is None:
        return None
    region = plans.phone_region(connection, source.programme_id)
    ask = Ask(
        source.programme_id,
        source.name,
        event.member,
        region,
        may_enrol=False,
        vouched=event.member.verified,
        lenient=source.lenient,
    )
    return identify(connection, [ask], now=now)[0].member_id


def _receipt(number: Any, member: int | None, *, created: bool) -> EventReceipt:
    wire = None if member is None else to_wire("m", member)
    receipt = receipt_of(to_wire("e", number), "booked", wire, Moved())
    return EventReceipt(
        receipt.id, receipt.status, wire, receipt.points, receipt.flags, created=created
    )
