"""A purchase is a fact: the shop's lines stand, what does not fit is flagged (`ledger.md` 14).

The first report books it; a later revision, a repeated report or a list of refunds changes
what is booked by difference (`ledger.md` 19, 20).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from loyalty_core.domain.conditions.scene import Person
from loyalty_core.domain.errors import EventConflict
from loyalty_core.domain.pricing.access import was_barred
from loyalty_core.domain.pricing.allot import money_of, points_for
from loyalty_core.domain.pricing.basket import Award, MemberFacts
from loyalty_core.domain.pricing.coupons import NO_COUPONS, Entered
from loyalty_core.domain.pricing.earning import rate_purchase
from loyalty_core.domain.pricing.issues import issued_by, lines_for
from loyalty_core.domain.pricing.limits import Used
from loyalty_core.domain.pricing.personal import by_list
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.receipt import split_reductions
from loyalty_core.service import brought_in
from loyalty_core.service.booking import (
    HOLD_EXPIRED,
    Booked,
    Moved,
    Occasion,
    PaidWith,
    rebook,
    withdraw,
)
from loyalty_core.service.catalogue import filled_in
from loyalty_core.service.count_clubs import count_clubs
from loyalty_core.service.count_limits import count_limits, used_by_others
from loyalty_core.service.coupon_uses import Taken
from loyalty_core.service.event_batch import EventBatch
from loyalty_core.service.event_certificates import certificates_of, settle_certificates
from loyalty_core.service.event_coupons import coupons_of, entered_of
from loyalty_core.service.issue_coupons import settle_issued, take_issued_back
from loyalty_core.service.known_events import FISCAL, NOBODY, Told, key_of, says_the_same
from loyalty_core.service.people import looked_at
from loyalty_core.service.place import place_of
from loyalty_core.service.promise import Promise
from loyalty_core.service.purchase_words import complete, filled
from loyalty_core.service.receipts import EventReceipt, kept_receipt, receipt_of
from loyalty_core.service.record_refund import (
    book_refund,
    booked_on,
    count_anonymous,
    new_refund,
    take_off,
)
from loyalty_core.service.sightings import put_together, say
from loyalty_core.service.source import Source
from loyalty_core.store import programmes
from loyalty_core.store.event_words import hash_of
from loyalty_core.store.holds import KeptHold, hold_to_wire
from loyalty_core.store.ids import new_id, to_wire
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import CertificateUse, Purchase, PurchaseLine, PurchaseStatus, Refund

TIME_AHEAD = "time_ahead"
LINKED = "linked"
HOLD_UNKNOWN = "hold_unknown"
HOLD_OF_ANOTHER = "hold_of_another_member"
HOLD_DIFFERS = "hold_differs"
HOLD_USED = "hold_used_before"
EXCLUSIVE_GOODS = "exclusive_goods"
SPEND_WITHOUT_MEMBER = "spend_without_member"


def record_purchase(batch: EventBatch, told: Told) -> EventReceipt:
    """Book one purchase of a batch.

    Raises: EventConflict (known revision, other content).
    """
    event = told.event
    assert isinstance(event, Purchase)
    content = told.content
    kept = batch.known.purchases.get(key_of(told.source, event))
    if kept is None:
        return _book(batch, told, _new(batch, told, content), None)
    receipt = kept_receipt(to_wire("p", kept.id), Booked.of(kept).answer)
    if event.revision < kept.word.revision:
        return _fill(batch, told, kept) or receipt.superseded()
    if says_the_same(told, kept):
        if event.revision > kept.word.revision:
            _note_booked(kept, kept.word.revision)
            say(kept, replace(kept.word, revision=event.revision))
            kept.changed = True
        return receipt
    if event.revision == kept.word.revision:
        raise EventConflict({"external_id": event.external_id, "revision": str(event.revision)})
    before = kept.event
    _note_booked(kept, kept.word.revision)
    say(kept, filled(complete(event, kept.word), kept.word))
    batch.known.name(kept)
    kept.content_hash, kept.changed = content, True
    kept.shop_id = batch.shop(told.source, event.shop).id
    return _book(batch, told, kept, before)


def attach_purchase(batch: EventBatch, told: Told) -> EventReceipt:
    """Book a known purchase for the member who it turned out to be of (`ledger.md` 12)."""
    kept = batch.known.purchases[key_of(told.source, told.event)]
    kept.changed = True
    return _book(batch, told, kept, kept.event)


def _fill(batch: EventBatch, told: Told, kept: KeptPurchase) -> EventReceipt | None:
    """Book what an older word tells and the newer one cannot; None where that is nothing, or it
    was booked before."""
    assert isinstance(told.event, Purchase)
    before, word, older = kept.event, kept.word, told.event
    known = filled(word, older)
    if known == word or older.revision in Booked.of(kept).superseded:
        return None
    _note_booked(kept, older.revision)
    say(kept, replace(known, hold=word.hold or older.hold, cart=word.cart or older.cart))
    kept.changed = True
    if kept.named_member is not None:
        told.found = NOBODY
    return _book(batch, told, kept, before)


def _note_booked(kept: KeptPurchase, revision: int) -> None:
    """A word that was booked is superseded by now: it is told again in vain (`ledger.md` 19)."""
    booked = Booked.of(kept)
    booked.superseded = (*booked.superseded, revision)
    booked.keep(kept)


def _new(batch: EventBatch, told: Told, content: str) -> KeptPurchase:
    event = told.event
    assert isinstance(event, Purchase)
    kept = KeptPurchase(
        new_id(batch.now),
        told.source.programme_id,
        told.source.name,
        event,
        content,
        batch.shop(told.source, event.shop).id,
        None,
        batch.now,
        event.lines,
        words=told.words,
        is_new=True,
    )
    batch.known.add(kept)
    return kept


@dataclass(slots=True)
class Case:
    """One purchase while it is being booked; `named`: whose it is by what is told of it."""

    batch: EventBatch
    told: Told
    kept: KeptPurchase
    booked: Booked
    moved: Moved
    before: Purchase | None
    occasion: Occasion
    named: int | None = None

    @property
    def retimed(self) -> bool:
        return self.before is not None and self.before.occurred_at != self.kept.event.occurred_at

    @property
    def was_paid(self) -> bool:
        return self.before is not None and self.before.status is PurchaseStatus.PAID

    @property
    def told_paid_at(self) -> datetime | None:
        """When the hub was told so; None where it was not, before this word."""
        if self.booked.told_paid_at is not None:
            return self.booked.told_paid_at
        return self.kept.received_at if self.was_paid else None


def _book(
    batch: EventBatch, told: Told, kept: KeptPurchase, before: Purchase | None
) -> EventReceipt:
    moved = Moved(flags=list(told.found.flags))
    # An older word that fills the newer one books under its own number.
    event = kept.word
    if event.revision != told.event.revision:
        event = replace(event, revision=told.event.revision)
    occasion = batch.occasion(told.source.name, event)
    case = Case(batch, told, kept, Booked.of(kept), moved, before, occasion)
    if told.ahead:
        case.moved.flag(TIME_AHEAD)
    _sync_refunds(case)
    linked = _link(case)
    _name(case)
    if kept.linked_to is None:
        _count(case)
        if kept.is_new and batch.was_brought_in(kept):
            case.moved.flag(brought_in.FLAG)
    else:
        _see(case)
        _tell_first(case, linked=linked)
    receipt = _answer(case)
    _book_waiting(batch, kept)
    return receipt


def _name(case: Case) -> None:
    """Whose it is by this sender; what counts is of whom its sightings say together."""
    batch, kept = case.batch, case.kept
    found = batch.survivor(case.told.found.member_id)
    if kept.linked_to is not None:
        kept.member_id = found or kept.member_id
    elif kept.sightings:
        if kept.own is None:
            kept.own, kept.own_member_id = kept.event, kept.member_id
        kept.own_member_id = found or kept.own_member_id
    case.named = found


def _count(case: Case) -> None:
    """Book a purchase that counts, with what its sightings tell of it."""
    kept = case.kept
    if kept.sightings or kept.own is not None or case.booked.lent:
        case.named = put_together(case.batch, kept)
        case.booked.word_of, case.booked.lent = kept.word_of, {}
    hold = _hold_of(case)
    _settle_member(case, hold)
    same_lines = _same(case.before, case.kept.event) and not _now_counts(case)
    _settle_lines(case, hold, same_lines=same_lines)
    _move(case, hold)
    _settle_rest(case, hold)


def _settle_rest(case: Case, hold: KeptHold | None) -> None:
    """What is no points: limits with coupons, certificates, clubs."""
    batch, kept, booked = case.batch, case.kept, case.booked
    count_limits(batch, kept, booked, case.moved, hold)
    settle_issued(batch, kept, booked)
    settle_certificates(batch, kept, booked, case.moved, case.occasion, hold)
    count_clubs(batch, kept, booked)


# --- seen by several ------------------------------------------------------------------------


def _link(case: Case) -> bool:
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
    _see(case)
    _keep(case)


def _see(case: Case) -> None:
    """A sighting moves nothing itself; it may bring a hold."""
    batch, kept, booked = case.batch, case.kept, case.booked
    kept.lines = kept.event.lines
    case.moved.flag(LINKED)
    booked.brings = _brought(case, batch.known.main_of(kept))
    _settle_rest(case, None)
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


def _tell_first(case: Case, *, linked: bool) -> None:
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


def case_of(batch: EventBatch, kept: KeptPurchase, key: str, occasion: Occasion) -> Case:
    """A known purchase of which something else than its own sender tells."""
    shop = programmes.shop_code(batch.connection, kept.shop_id)
    source = Source(batch.programme.id, kept.source, default_shop=shop, lenient=True)
    told = Told(source, kept.event, kept.content_hash)
    changed = replace(occasion, key=key)
    return Case(batch, told, kept, Booked.of(kept), Moved(), kept.event, changed)


def book_again(case: Case) -> None:
    """Book by difference what a purchase that counts comes to now."""
    case.booked = replace(Booked.of(case.kept))
    _count(case)
    _keep(case)


def _book_waiting(batch: EventBatch, kept: KeptPurchase) -> None:
    """Refunds that came first book on the purchase that counts (`ledger.md` 22, 24)."""
    for waiting in batch.known.waiting_for(kept):
        named = batch.known.purchase_of(waiting.source, waiting.event)
        assert named is not None
        book_refund(batch, waiting, named)


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


# --- what -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    coupons: tuple[Taken, ...] = ()
    certificates: Sequence[CertificateUse | PaidWith] = ()


def _settle_lines(case: Case, hold: KeptHold | None, *, same_lines: bool) -> None:
    """Tell discount and spend apart, and rate what earns."""
    batch, kept, booked = case.batch, case.kept, case.booked
    event = kept.event
    promise = None if hold is None else Promise.of(hold)
    # It may have found its hold by the cart alone, which changes no word of what was sold.
    same_lines = same_lines and (hold is None or hold.id == booked.hold)
    if hold is not None and promise is not None:
        booked.hold, booked.counted_at = hold.id, hold.created_at
        booked.effects = promise.effects
        if not promise.fits(event.lines):
            case.moved.flag(HOLD_DIFFERS)
    if same_lines and booked.rated:
        return
    plan = batch.plan_at(event.occurred_at) if hold is None else batch.plan(hold.rules_version)
    booked.rules_version = plan.version
    held = _held(case, promise)
    booked.coupons = coupons_of(batch, kept, plan, hold, held.coupons, case.moved)
    value = plan.main.value_minor
    said = event.points_spent
    promised = {} if promise is None else promise.lines
    money = None if said is None else money_of(said, value)
    kept.lines = split_reductions(event.lines, promised, money)
    booked.certificates = certificates_of(batch, kept, held.certificates)
    spend_minor = sum(line.spend_minor or 0 for line in kept.lines)
    booked.points_spent = points_for(spend_minor, value) if said is None else said
    member = batch.survivor(kept.member_id)
    if member is not None:
        booked.tier = batch.standings.tier_at(member, event.occurred_at)
    if plan.exclusive and (promise is None or not promise.fits(event.lines)):
        _flag_barred(case, plan)
    if member is None:
        if booked.points_spent:
            case.moved.flag(SPEND_WITHOUT_MEMBER)
        return
    booked.rate(_awards(case, plan, promise))
    booked.issues = _issues(case, plan, promise) if plan.issues else ()
    booked.about = _about(case, plan) if booked.issues else {}


def _held(case: Case, promise: Promise | None) -> _Held:
    """What a hold reserved for this purchase.

    What it was paid with stays so where the hold is out of reach by now: the buyer turned out to
    be somebody else, or was erased (`ledger.md` 14).
    """
    if promise is not None:
        return _Held(promise.coupons, promise.certificates)
    booked = case.booked
    if booked.hold is None or not case.was_paid:
        return _Held()
    return _Held(tuple(one for one in booked.coupons if one.by == "hold"), booked.certificates)


def _flag_barred(case: Case, plan: Plan) -> None:
    """What a till sold is sold, whomever the goods were kept for."""
    lines = filled_in(case.kept.lines, case.batch.products)
    if was_barred(lines, plan, _facts(case, plan), case.kept.event.occurred_at):
        case.moved.flag(EXCLUSIVE_GOODS)


def _awards(case: Case, plan: Plan, promise: Promise | None) -> tuple[Award, ...]:
    """Lines equal to the hold's earn what it promised; the others what the rules say."""
    kept, booked = case.kept, case.booked
    lines = filled_in(kept.lines, case.batch.products)
    promised: tuple[Award, ...] = ()
    equal: set[str] = set()
    if promise is not None and promise.rated:
        equal = promise.equal(kept.event.lines)
        promised = promise.awards_of(equal)
    if len(equal) == len(lines):
        return promised
    rated = rate_purchase(
        lines,
        plan,
        _counted_facts(case, plan, lines, promised),
        kept.event.occurred_at,
        booked.points_spent,
        equal,
        _by_source(promised),
    )
    return _joined((*promised, *rated))


def _issues(case: Case, plan: Plan, promise: Promise | None) -> tuple[str, ...]:
    """Promotions by which it brings coupons: as its hold promised, else by what it is."""
    kept = case.kept
    if promise is not None and promise.rated and promise.fits(kept.event.lines):
        return promise.issued
    lines = filled_in(kept.lines, case.batch.products)
    facts = _counted_facts(case, plan, lines, ())
    return issued_by(lines, plan, facts, kept.event.occurred_at)


def _about(case: Case, plan: Plan) -> dict[str, tuple[str, ...]]:
    """The lines for which each of its coupons comes, as the goods are known now: what becomes of
    catalogue and lists later takes none back.  What a hold promised of goods that are called
    otherwise by now is about all lines."""
    if plan.lists:
        _person(case, plan)
    lines = filled_in(case.kept.lines, case.batch.products)
    own = by_list(case.booked.goods)
    every = tuple(line.id for line in lines)
    return {
        promotion: lines_for(plan.issues[promotion], lines, own) or every
        for promotion in case.booked.issues
        if promotion in plan.issues
    }


def _counted_facts(
    case: Case, plan: Plan, lines: Sequence[PurchaseLine], promised: Sequence[Award]
) -> MemberFacts:
    """With what others have used up of limits, and the coupons."""
    batch, kept, booked = case.batch, case.kept, case.booked
    used = used_by_others(batch, kept, booked, plan, lines, promised)
    coupons = entered_of(batch, kept, booked, plan) if booked.coupons else NO_COUPONS
    return _facts(case, plan, used, coupons)


def _facts(
    case: Case, plan: Plan, used: Used | None = None, coupons: Entered = NO_COUPONS
) -> MemberFacts:
    """What conditions may ask of a receipt: as known for its time."""
    batch, event = case.batch, case.kept.event
    shop = batch.shop(case.told.source, event.shop)
    zone = batch.zone if shop.timezone is None else ZoneInfo(shop.timezone)
    customer, at_till = event.customer, event.channel == "pos" and plan.rules.policies.trust_pos
    return MemberFacts(
        known=batch.survivor(case.kept.member_id) is not None,
        tier=case.booked.tier,
        verified=customer is not None and (customer.verified or at_till),
        person=_person(case, plan) if plan.asks_person else None,
        place=place_of(case.told.source, shop.code, zone, event),
        used=used or {},
        coupons=coupons,
        measured=_measured(case),
    )


def _measured(case: Case) -> int | None:
    """What counted for the tier before this receipt, where it earns by what it reaches."""
    batch, kept = case.batch, case.kept
    member = batch.survivor(kept.member_id)
    if member is None:
        return None
    return batch.standings.measured_at(member, kept.event.occurred_at, but=kept.id)


def _person(case: Case, plan: Plan) -> Person | None:
    """History, choice of reward, own goods and clubs are kept as they were when the purchase was
    first rated: what was bought or chosen since takes nothing from it."""
    batch, kept, booked = case.batch, case.kept, case.booked
    member = batch.survivor(kept.member_id)
    if member is None:
        return None
    if booked.history is None:
        known = batch.standings.history(member)
        own = 1 if kept.qualifying_minor > 0 else 0
        booked.history = replace(
            known,
            purchases=known.purchases - own,
            spent_minor=known.spent_minor - kept.qualifying_minor,
        )
        if plan.rules.rewards is not None:
            booked.reward = batch.reward(member, kept.event.occurred_at)
        if plan.lists:
            booked.goods = looked_at(batch.goods(member), plan, kept.event.occurred_at)
        if plan.clubs:
            booked.clubs = tuple(sorted(batch.clubs.at(member, kept.event.occurred_at)))
    return replace(
        batch.person(member),
        history=booked.history,
        reward=booked.reward,
        goods=booked.goods,
        clubs=frozenset(booked.clubs),
    )


def _by_source(awards: Iterable[Award]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for award in awards:
        found[award.source] = found.get(award.source, 0) + award.points
    return found


def _joined(awards: Iterable[Award]) -> tuple[Award, ...]:
    """One award for each source and life: what was promised and what was rated are one lot."""
    joined: dict[tuple[object, ...], Award] = {}
    for award in awards:
        key = (award.currency, award.source, award.life_days, award.activation_days)
        known = joined.get(key)
        if known is None:
            joined[key] = award
        else:
            joined[key] = replace(
                known,
                points=known.points + award.points,
                by_line=known.by_line + award.by_line,
            )
    return tuple(joined.values())


# --- refunds by list ------------------------------------------------------------------------


def _sync_refunds(case: Case) -> None:
    """A purchase that tells its refunds tells all of them (`ledger.md` 20)."""
    kept = case.kept
    told = kept.word.refunds
    if told is None:
        return
    listed = {refund.external_id for refund in told}
    for refund in told:
        _list_refund(case, refund)
    for one in kept.refunds:
        vanished = one.event.external_id not in listed
        if vanished and one.by_list and one.source == kept.source and one.state == "booked":
            one.state, one.changed = "withdrawn", True


def _list_refund(case: Case, refund: Refund) -> None:
    """As told by the list, unless a newer word of it is known (`ledger.md` 19)."""
    batch, kept = case.batch, case.kept
    key = (kept.programme_id, kept.source, refund.external_id)
    known = batch.known.refunds.get(key)
    if known is None:
        fresh = new_refund(batch, case.told.source, refund, by_list=True)
        fresh.state, fresh.purchase_id = "booked", kept.id
        batch.known.add_refund(key, fresh)
        kept.refunds.append(fresh)
        return
    if known not in kept.refunds:
        other = booked_on(batch, known)
        if other is not None:
            take_off(batch, known, other, case.occasion)
        known.purchase_id = kept.id
        kept.refunds.append(known)
    content = hash_of(refund)
    is_same, newer = known.content_hash == content, refund.revision - known.event.revision
    if newer > 0 or (newer == 0 and not is_same):
        known.event, known.content_hash, known.changed = refund, content, True
    if known.state != "booked" or not is_same:
        known.state, known.by_list, known.changed = "booked", True, True


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


def _answer(case: Case) -> EventReceipt:
    kept = case.kept
    status = "booked" if kept.event.status is PurchaseStatus.PAID else kept.event.status.value
    member = case.batch.survivor(case.batch.known.main_of(kept).member_id)
    wire = None if member is None else to_wire("m", member)
    receipt = receipt_of(to_wire("p", kept.id), status, wire, case.moved)
    case.booked.answer = receipt.kept()
    _keep(case)
    return receipt


def _keep(case: Case) -> None:
    kept = case.kept
    is_paid = kept.event.status is PurchaseStatus.PAID
    if case.before is not None and is_paid and case.told_paid_at is None:
        case.booked.told_paid_at = case.batch.now
    case.booked.keep(kept)
    kept.flags = sorted({*kept.flags, *case.moved.flags})
