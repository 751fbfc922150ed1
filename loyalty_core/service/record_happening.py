"""What is not a purchase: reviews, visits, registrations; kept once, and booked by its state.

An event has revisions as a purchase has (`ledger.md` 19): an older one changes nothing, a newer
one is booked by difference, so that a review that is taken down takes its points along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import EventConflict
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.service.book_happening import About, book_happening
from loyalty_core.service.booking import Booked, Moved
from loyalty_core.service.event_batch import FUTURE_LIMIT
from loyalty_core.service.identify import Ask, Found, identify
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.receipts import EventReceipt, kept_receipt, receipt_of
from loyalty_core.service.record_purchase import TIME_AHEAD
from loyalty_core.service.source import Source
from loyalty_core.store import happenings as store
from loyalty_core.store import members
from loyalty_core.store.codec import content_hash, from_json, to_json
from loyalty_core.store.database import lock_keys
from loyalty_core.store.happenings import KeptHappening
from loyalty_core.store.ids import new_id, to_wire
from loyalty_kit.events import Customer


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind`: review, registration, survey, visit, cart, view, contest, or one of the shop's own.

    `state`: where it stands with whoever moderates it; None: nobody does.  `product`: what a
    review is about.
    """

    kind: str
    external_id: str
    occurred_at: datetime
    member: Customer | None
    data: Mapping[str, Any]
    state: str | None = None
    product: str | None = None
    revision: int = 1


def record_happening(
    connection: Connection, plans: PlanCache, source: Source, event: Happening, *, now: datetime
) -> EventReceipt:
    """Keep it once, and book what it earns; the same again gives the receipt of the first time.

    Raises: EventConflict (same id and revision, other content), PhoneImpossible.
    """
    key = (source.programme_id, source.name, event.kind, event.external_id)
    lock_keys(connection, ["happening:" + ":".join(map(str, key))])
    content = _content(event)
    kept = store.happening(connection, key)
    if kept is None:
        return _first(connection, plans, source, event, content, now)
    if event.revision < kept.revision:
        return _known(kept).superseded()
    if kept.content_hash in (content, _content_once(event)):
        if event.revision > kept.revision:
            kept.revision = event.revision
            store.change_happening(connection, kept)
        return _known(kept)
    if event.revision == kept.revision:
        facts = {"external_id": event.external_id, "revision": str(event.revision)}
        raise EventConflict(facts)
    found = _found(connection, plans, source, event, kept, now)
    kept.revision, kept.content_hash, kept.data = event.revision, content, dict(event.data)
    return _book(connection, plans, kept, event, found, now)


def _content(event: Happening) -> str:
    """All that is said but for the revision.  One instant told with two offsets is the same."""
    member = None if event.member is None else to_json(event.member)
    at = event.occurred_at.astimezone(UTC).isoformat()
    return content_hash([at, dict(event.data), event.state, event.product, member])


def _content_once(event: Happening) -> str:
    """As it was hashed before: whose it was counted only beside what is moderated or revised."""
    said: list[Any] = [event.occurred_at.isoformat(), dict(event.data)]
    if event.state is not None or event.product is not None or event.revision > 1:
        member = None if event.member is None else to_json(event.member)
        said += [event.state, event.product, member]
    return content_hash(said)


def _first(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    source: Source,
    event: Happening,
    content: str,
    now: datetime,
) -> EventReceipt:
    found = _found(connection, plans, source, event, None, now)
    kept = KeptHappening(
        new_id(now),
        source.programme_id,
        source.name,
        event.kind,
        event.external_id,
        None,
        event.occurred_at,
        content,
        dict(event.data),
        event.revision,
    )
    store.add_happening(connection, kept)
    return replace(_book(connection, plans, kept, event, found, now), created=True)


def _found(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    source: Source,
    event: Happening,
    kept: KeptHappening | None,
    now: datetime,
) -> Found:
    """Whose it is.  What still comes for an erased person says nothing of the person."""
    if event.member is None:
        return Found(None)
    if kept is not None and kept.member_id is not None:
        alive = members.survivors(connection, source.programme_id, [kept.member_id])
        if alive.get(kept.member_id) is None:
            return Found(None)
    ask = Ask(
        source.programme_id,
        source.name,
        event.member,
        plans.phone_region(connection, source.programme_id),
        may_enrol=False,
        vouched=event.member.verified,
        lenient=source.lenient,
    )
    return identify(connection, [ask], now=now)[0]


def _book(  # noqa: PLR0913 - each is a word of its own
    connection: Connection,
    plans: PlanCache,
    kept: KeptHappening,
    event: Happening,
    found: Found,
    now: datetime,
) -> EventReceipt:
    ahead = event.occurred_at > now + FUTURE_LIMIT
    kept.occurred_at = now if ahead else event.occurred_at
    kept.state = event.state
    before, kept.product = kept.product, None if event.product is None else fold(event.product)
    moved = Moved(flags=list(found.flags))
    if ahead:
        moved.flag(TIME_AHEAD)
    about = About(found.member_id, of_another_product=kept.product != before)
    member = book_happening(connection, plans, kept, about, moved, now=now)
    wire = None if member is None else to_wire("m", member)
    receipt = receipt_of(to_wire("e", kept.id), "booked", wire, moved)
    if kept.booking is not None or moved.flags:
        booked = from_json(Booked, kept.booking or {})
        booked.answer = receipt.kept()
        kept.booking = to_json(booked)
        store.change_happening(connection, kept)
    return replace(receipt, created=False)


def _known(kept: KeptHappening) -> EventReceipt:
    """The answer of the last time that it was booked."""
    wire_id = to_wire("e", kept.id)
    if kept.booking is not None:
        return kept_receipt(wire_id, from_json(Booked, kept.booking).answer)
    member = None if kept.member_id is None else to_wire("m", kept.member_id)
    return replace(receipt_of(wire_id, "booked", member, Moved()), created=False)
