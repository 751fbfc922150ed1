"""Book what a purchase that counts comes to now, by difference (`ledger.md` 14, 20).

Whose it is, by which hold it goes, what it earned and spent, and what is no points.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

from loyalty_core.service.booking import HOLD_EXPIRED, Booked, rebook, withdraw
from loyalty_core.service.count_clubs import count_clubs
from loyalty_core.service.count_limits import count_limits
from loyalty_core.service.event_certificates import settle_certificates
from loyalty_core.service.issue_coupons import settle_issued, take_issued_back
from loyalty_core.service.purchase_case import Case
from loyalty_core.service.record_refund import count_anonymous
from loyalty_core.service.settle_lines import settle_lines
from loyalty_core.service.sightings import put_together
from loyalty_core.store.holds import KeptHold
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import Purchase, PurchaseStatus

HOLD_UNKNOWN = "hold_unknown"
HOLD_OF_ANOTHER = "hold_of_another_member"
HOLD_USED = "hold_used_before"


def book_purchase(case: Case) -> None:
    """Book a purchase that counts, with what its sightings tell of it."""
    kept = case.kept
    if kept.sightings or kept.own is not None or case.booked.lent:
        case.named = put_together(case.batch, kept)
        case.booked.word_of, case.booked.lent = kept.word_of, {}
    hold = _hold_of(case)
    _settle_member(case, hold)
    same_lines = _same(case.before, case.kept.event) and not _now_counts(case)
    settle_lines(case, hold, same_lines=same_lines)
    _move(case, hold)
    settle_rest(case, hold)


def book_again(case: Case) -> None:
    """Book by difference what a purchase that counts comes to now."""
    case.booked = replace(Booked.of(case.kept))
    book_purchase(case)
    case.keep()


def settle_rest(case: Case, hold: KeptHold | None) -> None:
    """What is no points: limits with coupons, certificates, clubs."""
    batch, kept, booked = case.batch, case.kept, case.booked
    count_limits(batch, kept, booked, case.moved, hold)
    settle_issued(batch, kept, booked)
    settle_certificates(batch, kept, booked, case.moved, case.occasion, hold)
    count_clubs(batch, kept, booked)


def _same(before: Purchase | None, now: Purchase) -> bool:
    """Whether what earns and what was spent is said as before."""
    if before is None:
        return False
    said = attrgetter("lines", "points_spent", "hold", "coupons", "certificates")
    return bool(said(before) == said(now))


def _now_counts(case: Case) -> bool:
    """Limits are held to when it is paid, whatever was left of them when it was placed."""
    if case.before is None or case.was_paid:
        return False
    version = case.booked.rules_version
    return bool(version and case.batch.plan(version).counted)


# --- who ------------------------------------------------------------------------------------


def _settle_member(case: Case, hold: KeptHold | None) -> None:
    """Whose it is: as said now, else as known, else as the hold says (`ledger.md` 20)."""
    batch, kept = case.batch, case.kept
    old = batch.survivor(kept.member_id)
    if kept.member_id is not None and old is None:
        return  # erased: what it moved is not moved again for whoever is named now
    member = case.named or old
    if member is None and hold is not None:
        member = batch.survivor(hold.member_id)
    if member is None:
        member = batch.survivor(batch.claims.claimed(kept))
    batch.claims.settle(kept, member, batch.survivor)
    if member == old and kept.member_id is not None:
        return
    if old is not None:
        take_out(case, old)
    kept.member_id = member


def take_out(case: Case, member: int) -> None:
    """Take the purchase out of the books of a member whose it is not."""
    batch, kept, booked = case.batch, case.kept, case.booked
    plan = batch.plan(booked.rules_version)
    desk = batch.desk(kept, plan)
    assert desk is not None
    withdraw(kept, booked, desk, case.occasion)
    counted, kept.qualifying_minor = kept.qualifying_minor, 0
    booked.unrate()
    booked.spent = booked.given_back = 0
    booked.history = booked.reward = None
    booked.goods = booked.clubs = ()
    take_issued_back(batch, kept, booked)
    batch.count_purchase(kept, booked, counted, kept.event.occurred_at)


# --- holds ----------------------------------------------------------------------------------


def _hold_of(case: Case) -> KeptHold | None:
    """The hold that this purchase fulfils, if it may."""
    batch, kept, moved = case.batch, case.kept, case.moved
    shop = batch.shop(case.told.source, kept.event.shop)
    hold = batch.holds.of(shop, kept, case.booked, case.told_paid_at)
    if hold is None:
        if kept.event.hold:
            moved.flag(HOLD_UNKNOWN)
        return None
    member = case.named or batch.survivor(kept.member_id)
    if hold.member_id and member is not None and hold.member_id != member:
        moved.flag(HOLD_OF_ANOTHER)
        return None
    if hold.purchase_id not in (None, kept.id):
        moved.flag(HOLD_USED)
        return None
    if hold.state == "live" and not hold.lives_at(batch.now):
        batch.release(hold, "expired")
    is_over = kept.event.status is PurchaseStatus.CANCELLED  # its hold was released on purpose
    if hold.state == "released" and hold.purchase_id is None and not is_over:
        moved.flag(HOLD_EXPIRED)
    return hold


# --- moving ---------------------------------------------------------------------------------


def _move(case: Case, hold: KeptHold | None) -> None:
    batch, kept, booked = case.batch, case.kept, case.booked
    if hold is not None and kept.event.status is PurchaseStatus.OPEN:
        _keep_waiting(case, hold)
        hold = None
    desk = batch.desk(kept, batch.plan(booked.rules_version))
    if hold is not None and (desk is None or hold.member_id != desk.main.member_id):
        _close(hold, kept)
        hold = None
    if desk is None:
        count_anonymous(kept, case.moved)
        return
    counted = kept.qualifying_minor
    done = rebook(kept, booked, desk, case.occasion, hold)
    batch.count_purchase(kept, booked, counted, kept.event.occurred_at, retimed=case.retimed)
    case.moved.add(done)


def _keep_waiting(case: Case, hold: KeptHold) -> None:
    """Placed, not paid: the hold waits for the money (`ledger.md` 8)."""
    days = case.batch.plan(hold.rules_version).rules.policies.open_order_days
    until = case.kept.event.occurred_at + timedelta(days=days)
    if hold.state == "live" and until > hold.expires_at:
        hold.expires_at, hold.changed = until, True


def _close(hold: KeptHold, kept: KeptPurchase) -> None:
    """A hold that set nothing aside for this buyer has kept its promise."""
    if hold.state == "live" and not hold.points:
        hold.state, hold.purchase_id, hold.changed = "captured", kept.id, True
