"""One sale that several systems told counts once (`ledger.md` 24)."""

from __future__ import annotations

from loyalty_core.service.book_purchase import book_again, settle_rest, take_out
from loyalty_core.service.booking import Booked
from loyalty_core.service.known_events import FISCAL
from loyalty_core.service.purchase_case import Case, case_of
from loyalty_core.service.sightings import put_together
from loyalty_core.store.holds import hold_to_wire
from loyalty_core.store.purchases import KeptPurchase

LINKED = "linked"


def link(case: Case) -> bool:
    """Another purchase is the same sale: it was seen twice, and counts once (`ledger.md` 24).

    What links them may come with a later revision; then what was booked of the later one
    meanwhile is taken back.
    """
    known, kept = case.batch.known, case.kept
    found = None if kept.linked_to is not None else known.twin_of(kept)
    if found is None:
        return _link_through(case)
    twin, why = found
    if twin.id < kept.id:
        put_under(case, twin, why)
    else:
        put_under(_left(case, twin, "/left"), kept, why)
    _link_through(case)
    return True


def _link_through(case: Case) -> bool:
    """A receipt of several signs makes one of those that others saw under each of them."""
    known, linked = case.batch.known, False
    while (other := known.seen_under_another_sign(case.kept)) is not None:
        first, later = sorted((known.main_of(case.kept), other), key=lambda one: one.id)
        mine = case if later is case.kept else _left(case, later, f"/left/{later.id}")
        put_under(mine, first, FISCAL)
        linked = True
    return linked


def _left(case: Case, later: KeptPurchase, end: str) -> Case:
    """Of a purchase that counted until now."""
    return case_of(case.batch, later, f"{case.occasion.key}{end}", case.occasion)


def put_under(case: Case, first: KeptPurchase, why: str) -> None:
    """A purchase that counted is a sighting of another one from now on."""
    batch, kept = case.batch, case.kept
    member = batch.survivor(kept.member_id)
    if member is not None:
        take_out(case, member)
    if kept.own is not None:
        kept.event, kept.member_id = kept.own, kept.own_member_id
        kept.own = kept.own_member_id = kept.word_of = case.booked.word_of = None
    kept.linked_to, kept.linked_by = first.id, why
    batch.known.gather()
    see(case)
    case.keep()


def see(case: Case) -> None:
    """A sighting moves nothing itself; it may bring a hold."""
    batch, kept, booked = case.batch, case.kept, case.booked
    kept.lines = kept.event.lines
    case.moved.flag(LINKED)
    booked.brings = _brought(case, batch.known.main_of(kept))
    settle_rest(case, None)
    booked.keep(kept)


def _brought(case: Case, first: KeptPurchase) -> str | None:
    """The hold of a sighting, if nobody else goes by it, and what counts by no other."""
    shop = case.batch.shop(case.told.source, case.kept.event.shop)
    hold = case.batch.holds.of(shop, case.kept, case.booked, case.told_paid_at)
    if hold is None or Booked.of(first).hold not in (None, hold.id):
        return None
    if hold.purchase_id == case.kept.id:
        # It was booked alone before it was linked.
        hold.purchase_id, hold.changed = first.id, True
    return hold_to_wire(hold.key) if hold.purchase_id in (None, first.id) else None


def tell_first(case: Case, *, linked: bool) -> None:
    """What this sighting tells, or takes back, is told of the purchase that counts."""
    batch, kept = case.batch, case.kept
    first = batch.known.main_of(kept)
    before, of = first.event, batch.survivor(first.member_id)
    other = case_of(batch, first, f"{case.occasion.key}/first", case.occasion)
    named = put_together(batch, first)
    came_back = any(one.changed or one.is_new for one in kept.refunds)
    if linked or came_back or first.event != before or named not in (None, of):
        book_again(other)
        case.moved.add(other.moved)
