"""A person says that two records are of one purchase, or of two (`ledger.md` 24).

Either way the books follow by difference, and either undoes the other.  A preview is the same
work, rehearsed by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput, PurchaseNotFound
from loyalty_core.service.book_purchase import book_again, take_out
from loyalty_core.service.booking import Booked
from loyalty_core.service.event_batch import EventBatch, Figures, without_customer
from loyalty_core.service.known_events import PERSON, Told
from loyalty_core.service.link_purchases import LINKED, put_under
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.purchase_case import Case, case_of
from loyalty_core.service.source import Source, check_shop
from loyalty_core.store import audit, programmes
from loyalty_core.store import linked_sources as links
from loyalty_core.store import purchases as store
from loyalty_core.store.holds import hold_from_wire
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.ledger import AccountKey
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.money import format_decimal

_ZERO: Figures = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, by whom and when; `shops`: codes of those whose records the author may
    move, None: all."""

    programme_id: int
    author: str
    now: datetime
    shops: frozenset[str] | None = None


def part_purchase(
    connection: Connection, plans: PlanCache, purchase_id: str, said: Decision
) -> list[dict[str, Any]]:
    """A linked sighting is a purchase of its own again, and stays so until a person joins it.

    What was linked to it goes with it.  One that is not linked is left as it is.  Gives the
    accounts that this moves, wire-ready.

    Raises: PurchaseNotFound, ShopForbidden.
    """
    batch, (kept,) = _open(connection, plans, said, [purchase_id])
    if kept.linked_to is None:
        return []
    before, first = batch.figures(), batch.known.main_of(kept)
    other = _case(batch, first, kept, "/first")
    case = _case(batch, kept, kept, "")
    kept.linked_to = kept.linked_by = None
    kept.flags = [flag for flag in kept.flags if flag != LINKED]
    batch.known.gather()
    gone, left = _ids(kept), _ids(first)
    links.part(connection, [links.pair_of(here, there) for here in gone for there in left])
    _take_hold_back(batch, kept, first)
    _take_buyer_back(batch, other, kept)
    book_again(other)
    _turn(case)
    book_again(case)
    batch.write()
    _note(connection, said, "purchases_parted", kept, first)
    return _moved(before, batch.figures())


def join_purchases(
    connection: Connection, plans: PlanCache, purchase_id: str, other_id: str, said: Decision
) -> list[dict[str, Any]]:
    """Two records are one purchase: that which came first counts.  What is joined already is left
    as it is.  Gives the accounts that this moves, wire-ready.

    Raises: PurchaseNotFound, ShopForbidden, InvalidInput (a purchase with itself).
    """
    batch, pair = _open(connection, plans, said, [purchase_id, other_id])
    if pair[0] is pair[1]:
        raise InvalidInput({"other": ["Is the same purchase."]})
    mains = {one.id: one for one in map(batch.known.main_of, pair)}
    if len(mains) == 1:
        return []
    first, kept = (mains[number] for number in sorted(mains))
    before = batch.figures()
    links.forget_parting(connection, _ids(first), _ids(kept))
    other = _case(batch, first, kept, "/first")
    case = _case(batch, kept, kept, "")
    _turn(case)
    put_under(case, first, PERSON)
    book_again(other)
    batch.write()
    _note(connection, said, "purchases_joined", kept, first)
    return _moved(before, batch.figures())


def _open(
    connection: Connection, plans: PlanCache, said: Decision, names: Sequence[str]
) -> tuple[EventBatch, list[KeptPurchase]]:
    """The purchases with all that is linked to them, locked.

    Raises: PurchaseNotFound, ShopForbidden (one of all these is of another shop).
    """
    numbers = [from_wire("p", name) for name in names]
    found = store.purchases_by_id(connection, [one for one in numbers if one is not None])
    kept = [found.get(number or 0) for number in numbers]
    told = [_told(connection, one, said) for one in kept]
    batch = EventBatch(connection, plans, said.programme_id, said.now)
    batch.admit_again(*told)
    bound = Source(said.programme_id, said.author, shops=said.shops)
    for one in batch.known.all_purchases():
        check_shop(connection, bound, one.shop_id)
    return batch, [batch.known.purchases[one.key] for one in kept if one is not None]


def _told(connection: Connection, kept: KeptPurchase | None, said: Decision) -> Told:
    if kept is None or kept.programme_id != said.programme_id:
        raise PurchaseNotFound
    shop = programmes.shop_code(connection, kept.shop_id)
    source = Source(kept.programme_id, kept.source, default_shop=shop, lenient=True)
    return Told(source, without_customer(kept.word), kept.content_hash)


def _case(batch: EventBatch, one: KeptPurchase, kept: KeptPurchase, end: str) -> Case:
    """Under a key that tells which decision of this purchase it is."""
    turn = Booked.of(kept).turns + 1
    occasion = batch.occasion(one.source, one.word)
    return case_of(batch, one, f"link:{kept.id}/{turn}{end}", occasion)


def _turn(case: Case) -> None:
    case.booked = Booked.of(case.kept)
    case.booked.turns += 1
    case.booked.rated = False
    case.booked.keep(case.kept)


def _take_hold_back(batch: EventBatch, kept: KeptPurchase, first: KeptPurchase) -> None:
    """The hold that a sighting brought is its own again."""
    booked = Booked.of(kept)
    key = None if booked.brings is None else hold_from_wire(booked.brings)
    hold = None if key is None else batch.holds.at(key)
    booked.brings = None
    booked.keep(kept)
    theirs = Booked.of(first)
    if hold is not None and hold.id == theirs.hold:
        if hold.purchase_id == first.id:
            hold.purchase_id, hold.changed = kept.id, True
        theirs.hold, theirs.effects, theirs.counted_at, theirs.rated = None, (), None, False
        theirs.keep(first)


def _take_buyer_back(batch: EventBatch, case: Case, gone: KeptPurchase) -> None:
    """A buyer whom only the parted sighting named does not stay behind."""
    first = case.kept
    member = batch.survivor(first.member_id)
    left = {batch.survivor(one.named_member) for one in (first, *first.sightings)}
    brought = {batch.survivor(one.named_member) for one in (gone, *gone.sightings)}
    if member is not None and member in brought - left:
        case.booked = Booked.of(first)
        take_out(case, member)
        case.booked.keep(first)
        first.member_id = None


def _ids(first: KeptPurchase) -> Collection[int]:
    return [one.id for one in (first, *first.sightings)]


def _note(
    connection: Connection, said: Decision, action: str, kept: KeptPurchase, first: KeptPurchase
) -> None:
    audit.note(
        connection,
        said.programme_id,
        action,
        to_wire("p", kept.id),
        author=said.author,
        now=said.now,
        after={"counts": to_wire("p", first.id)},
    )


def _moved(
    before: dict[AccountKey, Figures], after: dict[AccountKey, Figures]
) -> list[dict[str, Any]]:
    return [
        {
            "member": to_wire("m", key[0]),
            "currency": key[1],
            "before": _figures(before.get(key, _ZERO)),
            "after": _figures(after[key]),
        }
        for key in sorted(after)
        if after[key] != before.get(key, _ZERO)
    ]


def _figures(figures: Figures) -> dict[str, str]:
    names = ("available", "pending", "debt")
    return {name: format_decimal(one) for name, one in zip(names, figures, strict=True)}
