"""One purchase in the books: what should stand there, and the movements that make it so.

A purchase is booked by difference.  `Booked` remembers what has been earned, spent and
returned for it; `rebook` computes from the purchase as it now is what should stand
(`domain.receipt`) and moves the rest.  So a revision, a refund, a refund that vanished and a
cancellation are one mechanism, and any order of them ends the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.conditions.scene import History, PersonalGoods
from loyalty_core.domain.dates import end_of_life, spendable_from
from loyalty_core.domain.points import Cause, Terms
from loyalty_core.domain.pricing.basket import Award
from loyalty_core.domain.pricing.limits import Effect
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.receipt import NOTHING_BACK, Returned, points_back, returned
from loyalty_core.domain.returns import (
    claw_back,
    give_back,
    undo_claw_back,
)
from loyalty_core.domain.sightings import (
    ToldBack,
    articles_of,
    common_articles,
    in_lines_of,
    perhaps_two,
    same_lines,
    told_once,
)
from loyalty_core.service.coupon_uses import Taken
from loyalty_core.store.codec import from_json, to_json
from loyalty_core.store.holds import KeptHold
from loyalty_core.store.purchases import KeptPurchase
from loyalty_kit.events import LineKind, PurchaseLine, PurchaseStatus, Refund
from loyalty_kit.frozen import frozen
from loyalty_kit.money import prorate

SPEND_WITHOUT_HOLD = "spend_without_hold"
POINTS_MISSING = "points_missing"
HOLD_EXPIRED = "hold_expired"
OVER_REFUND = "over_refund"
PERHAPS_TWO_RETURNS = "perhaps_two_returns"
UNKNOWN_LINE = "unknown_line"
CERTIFICATES = ("paid", "given_back", "loaded", "taken_back")
"""What an event may do with the money of certificates."""


@dataclass(frozen=True, slots=True)
class PaidWith:
    """A certificate (normal form of its code) and the kopecks that a purchase paid with it;
    `lines`: those that it is for, empty: all."""

    code: str
    amount_minor: int
    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class Booked:
    """What the books hold of a purchase.  Points in hundredths, by currency where it matters.

    `rated`: the awards are those of the lines as they stand.  `earned` counts points that came
    in lots of their own, `clawed` what was taken back of them; `by_award` how what was earned
    falls to awards (`_lot_of`), where these are not those that stand; `spent` what was taken,
    `given_back` what returned of it.  `history` is what its rating knew of the member's
    earlier purchases, where a condition asked for them, `reward` what the member had chosen by
    the purchase's time, `goods` those that were the member's own, and `clubs` those that the
    member was in.  `joined`: it has made somebody a member of a club.  `effects`: what its hold
    gave by promotions with limits or coupons; `counted_at`: when that was, and so in which
    periods it counts.  `coupons`: those that it goes by.  `issues`: promotions by which it
    brings a coupon; `about`: ids of the lines that each of these is about, `issued`: the codes of
    the coupons that came of it, both by promotion.
    `certificates`: what it was paid with before anything came back; `strange`: codes of
    certificates that it told of when there were none such.  `lent`: what of its
    own word only another sighting told, in rows of before (`purchase_words.without`).
    `word_of`: whose word counts of its sightings; `brings`: the hold that a sighting has for the
    one that counts; `turns`: how often a person parted or joined it.
    `superseded`: revisions that were booked and are not its newest word any more.
    `told_paid_at`: when the hub was told that it is paid, where it was placed before.
    """

    rules_version: int = 0
    tier: str | None = None
    awards: tuple[Award, ...] = ()
    rated: bool = False
    points_spent: int = 0
    earned: dict[str, int] = field(default_factory=dict)
    clawed: dict[str, int] = field(default_factory=dict)
    by_award: dict[str, Any] = field(default_factory=dict)
    spent: int = 0
    given_back: int = 0
    history: History | None = None
    reward: str | None = None
    goods: tuple[PersonalGoods, ...] = ()
    clubs: tuple[str, ...] = ()
    joined: bool = False
    hold: int | None = None
    effects: tuple[Effect, ...] = ()
    counted_at: datetime | None = None
    coupons: tuple[Taken, ...] = ()
    issues: tuple[str, ...] = ()
    about: dict[str, tuple[str, ...]] = field(default_factory=dict)
    issued: dict[str, str] = field(default_factory=dict)
    certificates: tuple[PaidWith, ...] = ()
    strange: tuple[str, ...] = ()
    lent: dict[str, int] = field(default_factory=dict)
    word_of: int | None = None
    brings: str | None = None
    turns: int = 0
    superseded: tuple[int, ...] = ()
    told_paid_at: datetime | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, purchase: KeptPurchase) -> Booked:
        return from_json(cls, purchase.booking)

    def points_left(self, currency: str) -> int:
        """What was earned, less what was taken back of it."""
        return self.earned.get(currency, 0) - self.clawed.get(currency, 0)

    def rate(self, awards: tuple[Award, ...]) -> None:
        """It earns by these from now on; what stands in lots is known to be of those before."""
        for currency, earned in self.earned.items():
            own = [award for award in self.awards if award.currency == currency]
            if currency not in self.by_award and sum(award.points for award in own) == earned:
                self.by_award[currency] = {_lot_of(award): award.points for award in own}
        self.awards, self.rated = awards, True

    def unrate(self) -> None:
        """It earned nothing, and is rated anew where it should."""
        self.awards, self.rated = (), False
        self.earned, self.clawed, self.by_award = {}, {}, {}

    def keep(self, purchase: KeptPurchase) -> None:
        purchase.booking = to_json(self)
        purchase.changed = True


def _lot_of(award: Award) -> str:
    """Awards of one source and life are of one lot."""
    return f"{award.source}/{award.life_days}/{award.activation_days}"


@dataclass(slots=True)
class Moved:
    """Points that one event moved, in hundredths of the main currency; money of certificates,
    in kopecks; and what is odd."""

    earned: int = 0
    spent: int = 0
    clawed_back: int = 0
    given_back: int = 0
    certificates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CERTIFICATES, 0))
    flags: list[str] = field(default_factory=list)

    def flag(self, name: str) -> None:
        if name not in self.flags:
            self.flags.append(name)

    def flag_oddities(self, back: Returned) -> None:
        if back.over:
            self.flag(OVER_REFUND)
        if back.unknown:
            self.flag(UNKNOWN_LINE)

    def add(self, other: Moved) -> None:
        self.earned += other.earned
        self.spent += other.spent
        self.clawed_back += other.clawed_back
        self.given_back += other.given_back
        for name, minor in other.certificates.items():
            self.certificates[name] += minor
        for name in other.flags:
            self.flag(name)


@frozen
class Origin:
    """What earned points, as lots and entries name it: the number of a purchase, or below zero
    that of an event that is none (`docs/adr/0030`).  `occurred_at`: their days begin then."""

    number: int
    occurred_at: datetime

    @classmethod
    def of(cls, purchase: KeptPurchase) -> Origin:
        return cls(purchase.id, purchase.event.occurred_at)


@frozen
class Occasion:
    """The event that is being booked: its key in the ledger, its time, and now."""

    key: str
    occurred_at: datetime
    now: datetime
    zone: ZoneInfo
    facts: Mapping[str, str]

    def cause(self, origin: int, what: str, **facts: str) -> Cause:
        return Cause(
            f"{self.key}:{what}",
            self.occurred_at,
            self.now,
            origin,
            {**self.facts, **facts},
        )


@frozen
class Desk:
    """The account books that one purchase moves, and the programme's terms."""

    books: Mapping[str, AccountBook]
    plan: Plan
    terms: Terms

    @property
    def main(self) -> AccountBook:
        return self.books[self.plan.main.code]


def terms_of(plan: Plan, now: datetime, zone: ZoneInfo) -> Terms:
    policies = plan.rules.policies
    grace = policies.give_back_grace_days
    return Terms(
        most_debt=policies.most_debt_points if policies.negative_balance == "allow" else 0,
        grace_until=end_of_life(now, grace, zone) if grace else None,
    )


def standing_refunds(purchase: KeptPurchase) -> list[Refund]:
    """What came back of a purchase, whoever told it, in its own lines and once (`ledger.md` 24)."""
    if not purchase.sightings:
        return [one.event for one in purchase.refunds if one.state == "booked"]
    return told_once(_told_back(purchase))


def _told_back(purchase: KeptPurchase) -> list[ToldBack]:
    """By all of its sightings."""
    told: list[ToldBack] = []
    counting, every = purchase.counting, (purchase, *purchase.sightings)
    common = common_articles([one.word.lines for one in every])
    for sighting in every:
        is_own = sighting is counting
        named = {} if is_own else same_lines(sighting.word.lines, counting.word.lines)
        told += [
            ToldBack(
                one.source,
                one.event if is_own else in_lines_of(one.event, named),
                is_own,
                articles_of(one.event, sighting.word.lines, common),
            )
            for one in sighting.refunds
            if one.state == "booked"
        ]
    return told


def _are_perhaps_two(purchase: KeptPurchase) -> bool:
    if not purchase.sightings:
        return False
    paid = sum([line.paid_minor for line in purchase.lines])
    return perhaps_two(_told_back(purchase), paid)


def rebook(
    purchase: KeptPurchase,
    booked: Booked,
    desk: Desk,
    occasion: Occasion,
    hold: KeptHold | None = None,
) -> Moved:
    """Move what differs between the books and the purchase as it now is.

    Spent points move before earned ones: nothing is paid with what it earns itself, and what
    comes back is there when something else is to be taken back.
    """
    moved = Moved()
    back = returned(purchase.lines, standing_refunds(purchase))
    moved.flag_oddities(back)
    if _are_perhaps_two(purchase):
        moved.flag(PERHAPS_TWO_RETURNS)
    counts = purchase.event.status is PurchaseStatus.PAID
    spend = _spend_wanted(purchase, booked, back) if counts else 0
    _move_spend(spend, purchase, booked, _Work(desk, occasion, moved, hold))
    _move_earned(counts, back, Origin.of(purchase), booked, _Work(desk, occasion, moved, None))
    _count_goods(counts, purchase, booked, back, desk.plan.main.code)
    return moved


def withdraw(purchase: KeptPurchase, booked: Booked, desk: Desk, occasion: Occasion) -> Moved:
    """Take the purchase out of its member's books: it turned out to be someone else's."""
    moved = Moved()
    _move_spend(0, purchase, booked, _Work(desk, occasion, moved, None))
    _move_earned(
        False, NOTHING_BACK, Origin.of(purchase), booked, _Work(desk, occasion, moved, None)
    )
    return moved


def rebook_event(
    counts: bool, origin: Origin, booked: Booked, desk: Desk, occasion: Occasion
) -> Moved:
    """The same for what an event that is no purchase earned: all of it, or nothing."""
    moved = Moved()
    _move_earned(counts, NOTHING_BACK, origin, booked, _Work(desk, occasion, moved, None))
    return moved


@frozen
class _Work:
    desk: Desk
    occasion: Occasion
    moved: Moved
    hold: KeptHold | None


# --- spending -------------------------------------------------------------------------------


def _spend_wanted(purchase: KeptPurchase, booked: Booked, back: Returned) -> int:
    """Points that should stay spent: all, less the part of the lines that came back."""
    if not booked.points_spent:
        return 0
    weights = _weights(purchase.lines)
    if not weights:
        return booked.points_spent
    parts = prorate(booked.points_spent, weights)
    by_line = {line.id: part for line, part in zip(purchase.lines, parts, strict=True)}
    return booked.points_spent - points_back(by_line, back.share)


def _weights(lines: Sequence[PurchaseLine]) -> list[int]:
    """What its points are of: the money that they paid, else what the lines cost; else the goods,
    which cost no money."""
    ways = (
        [line.spend_minor or 0 for line in lines],
        [line.amount_minor for line in lines],
        [line.quantity_milli for line in lines],
        [1] * len(lines),
    )
    return next(filter(any, ways), [])


def _move_spend(wanted: int, purchase: KeptPurchase, booked: Booked, work: _Work) -> None:
    standing = booked.spent - booked.given_back
    if wanted > standing:
        _spend(wanted - standing, purchase, booked, work)
    elif wanted < standing:
        cause = work.occasion.cause(purchase.id, "give_back")
        give_back(work.desk.main, standing - wanted, cause, work.desk.terms)
        booked.given_back += standing - wanted
        work.moved.given_back += standing - wanted
    if work.hold is not None and work.hold.state == "live":
        _let_go(purchase, work)


def _spend(points: int, purchase: KeptPurchase, booked: Booked, work: _Work) -> None:
    left = points - _capture(points, purchase, work)
    if left:
        cause = work.occasion.cause(purchase.id, "spend")
        missing = work.desk.main.spend(left, cause, work.desk.terms)
        work.moved.flag(SPEND_WITHOUT_HOLD)
        if missing:
            work.moved.flag(POINTS_MISSING)
    booked.spent += points
    work.moved.spent += points


def _capture(points: int, purchase: KeptPurchase, work: _Work) -> int:
    """Spend from the hold what it has; gives how much that was."""
    hold = work.hold
    if hold is None or hold.state != "live" or not hold.points:
        return 0
    part = min(points, hold.points)
    cause = work.occasion.cause(purchase.id, "capture")
    work.desk.main.capture(part, hold.lots, cause)
    hold.lots = tuple(_less(hold.lots, part))
    hold.points -= part
    return part


def _let_go(purchase: KeptPurchase, work: _Work) -> None:
    """The purchase has come: the hold is captured, and what it did not need is released."""
    hold = work.hold
    assert hold is not None
    if hold.points:
        work.desk.main.release(hold.lots, work.occasion.cause(purchase.id, "release"))
    hold.points, hold.lots = 0, ()
    hold.state = "released" if purchase.event.status is PurchaseStatus.CANCELLED else "captured"
    hold.purchase_id = purchase.id
    hold.changed = True


def _less(parts: Sequence[tuple[int, int]], points: int) -> list[tuple[int, int]]:
    left = []
    for no, size in parts:
        taken = min(size, points)
        points -= taken
        if size > taken:
            left.append((no, size - taken))
    return left


# --- earning --------------------------------------------------------------------------------


def _move_earned(counts: bool, back: Returned, origin: Origin, booked: Booked, work: _Work) -> None:
    currencies = {award.currency for award in booked.awards} | set(booked.earned)
    for currency in sorted(currencies):
        awards = [award for award in booked.awards if award.currency == currency]
        promised = sum(award.points for award in awards) if counts else 0
        fresh = max(0, promised - booked.earned.get(currency, 0))
        if fresh:
            _earn(fresh, awards, origin, booked, work)
        returned_points = sum(points_back(dict(award.by_line), back.share) for award in awards)
        wanted = promised - (returned_points if counts else 0)
        _move_clawed(currency, wanted, origin, booked, work)


def _earn(fresh: int, awards: Sequence[Award], origin: Origin, booked: Booked, work: _Work) -> None:
    """New lots: one for each award at first, later ones for what a revision added to it."""
    occasion, currency = work.occasion, awards[0].currency
    had = booked.by_award.get(currency, {})
    more = [max(0, award.points - had.get(_lot_of(award), 0)) for award in awards]
    parts = prorate(fresh, more)
    for number, (award, part) in enumerate(zip(awards, parts, strict=True)):
        if not part:
            continue
        start = origin.occurred_at
        work.desk.books[currency].earn(
            part,
            occasion.cause(origin.number, f"earn:{currency}:{number}", rule=award.source),
            spendable_from=spendable_from(start, award.activation_days, occasion.zone),
            expires_at=end_of_life(start, award.life_days, occasion.zone),
        )
    booked.earned[currency] = booked.earned.get(currency, 0) + fresh
    if had:
        added = {_lot_of(award): part for award, part in zip(awards, parts, strict=True)}
        now = {lot: had.get(lot, 0) + added.get(lot, 0) for lot in had | added}
        booked.by_award = {**booked.by_award, currency: now}
    if currency == work.desk.plan.main.code:
        work.moved.earned += fresh


def _move_clawed(currency: str, wanted: int, origin: Origin, booked: Booked, work: _Work) -> None:
    clawed = booked.clawed.get(currency, 0)
    difference = booked.earned.get(currency, 0) - wanted - clawed
    book = work.desk.books[currency]
    if difference > 0:
        cause = work.occasion.cause(origin.number, f"claw_back:{currency}")
        if claw_back(book, difference, cause, work.desk.terms):
            work.moved.flag(POINTS_MISSING)
    elif difference < 0:
        cause = work.occasion.cause(origin.number, f"undo_claw_back:{currency}")
        undo_claw_back(book, -difference, cause, work.desk.terms)
    booked.clawed[currency] = clawed + difference
    if currency == work.desk.plan.main.code:
        work.moved.clawed_back += difference


# --- facts ----------------------------------------------------------------------------------


def _count_goods(
    counts: bool, purchase: KeptPurchase, booked: Booked, back: Returned, currency: str
) -> None:
    """What the lines came to, for the receipt's page, for reports and for the tier; points of the
    main `currency`."""
    earned: dict[str, int] = {}
    for award in [one for one in booked.awards if one.currency == currency]:
        for line, points in award.by_line:
            earned[line] = earned.get(line, 0) + points
    purchase.earned_by_line = earned
    purchase.returned_milli = back.quantity_milli
    purchase.returned_minor = back.money_minor
    purchase.qualifying_minor = (
        sum(
            [
                line.paid_minor - back.money_minor.get(line.id, 0)
                for line in purchase.lines
                if line.kind is LineKind.GOODS
            ]
        )
        if counts
        else 0
    )
