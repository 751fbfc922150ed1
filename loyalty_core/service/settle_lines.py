"""What a purchase comes to: discount and spend told apart, and what its lines earn.

By what a hold promised, else by the rules in force at its time (`ledger.md` 14, 20).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from loyalty_core.domain.conditions.scene import Person
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
from loyalty_core.service.booking import PaidWith
from loyalty_core.service.catalogue import filled_in
from loyalty_core.service.count_limits import used_by_others
from loyalty_core.service.coupon_uses import Taken
from loyalty_core.service.event_certificates import certificates_of
from loyalty_core.service.event_coupons import coupons_of, entered_of
from loyalty_core.service.people import looked_at
from loyalty_core.service.place import place_of
from loyalty_core.service.promise import Promise
from loyalty_core.service.purchase_case import Case
from loyalty_core.store.holds import KeptHold
from loyalty_kit.events import CertificateUse, PurchaseLine

HOLD_DIFFERS = "hold_differs"
EXCLUSIVE_GOODS = "exclusive_goods"
SPEND_WITHOUT_MEMBER = "spend_without_member"


@dataclass(frozen=True, slots=True)
class _Held:
    coupons: tuple[Taken, ...] = ()
    certificates: Sequence[CertificateUse | PaidWith] = ()


def settle_lines(case: Case, hold: KeptHold | None, *, same_lines: bool) -> None:
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
