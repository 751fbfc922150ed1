"""The ledger once more, slow and obvious: lists of lots, played through from fact to fact.

It shares nothing with the code that it judges.  A member earns a hundredth of a point for each
kopeck paid, so lines carry their points by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from loyalty_kit.events import Purchase, PurchaseLine, PurchaseStatus, Refund, RefundLine
from loyalty_kit.money import prorate

MOSCOW = timedelta(hours=3)


def midnight_after(start: datetime, days: int) -> datetime:
    day = (start + MOSCOW).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=days + 1) - MOSCOW


def half_up(share: Fraction) -> int:
    return int(share + Fraction(1, 2))


@dataclass(frozen=True)
class Programme:
    life_days: int
    activation_days: int
    grace_days: int
    most_debt: int | None


@dataclass(eq=False)
class Lot:
    """`stands` are the lots (or debts) that something was taken from instead of this one."""

    no: int
    amount: int
    start: datetime
    end: datetime | None
    active: bool = True
    is_debt: bool = False
    free: int = 0
    held: int = 0
    expired: int = 0
    owed: int = 0
    stands: dict[Lot, int] = field(default_factory=dict)

    def lives(self, at: datetime) -> bool:
        return self.end is None or at < self.end


@dataclass
class Sale:
    """One purchase at one member: its own lots, and from which lots it took what.

    `buried` is the part of `clawed` that had expired before.
    """

    lots: list[Lot] = field(default_factory=list)
    earned: int = 0
    took: dict[Lot, int] = field(default_factory=dict)
    clawed: dict[Lot, int] = field(default_factory=dict)
    buried: dict[Lot, int] = field(default_factory=dict)


@dataclass
class Member:
    programme: Programme
    lots: list[Lot] = field(default_factory=list)

    @property
    def figures(self) -> tuple[int, int, int, int]:
        available = sum(lot.free for lot in self.lots if lot.active)
        pending = sum(lot.free for lot in self.lots if not lot.active)
        held = sum(lot.held for lot in self.lots)
        return available, pending, held, sum(lot.owed for lot in self.lots)

    def open(self, amount: int, start: datetime, end: datetime | None, **more: bool) -> Lot:
        self.lots.append(Lot(len(self.lots) + 1, amount, start, end, **more))
        return self.lots[-1]

    def choice(self, at: datetime) -> list[Lot]:
        """Spendable lots that live at `at`: earliest expiry first, never-expiring last."""
        alive = [lot for lot in self.lots if lot.active and not lot.is_debt and lot.lives(at)]
        return sorted(alive, key=lambda lot: (lot.end is None, lot.end or lot.start, lot.no))

    # --- time -------------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Everything that has fallen due, in its order."""
        while True:
            due = []
            for lot in self.lots:
                if lot.free and not lot.active and lot.start <= now:
                    due.append((lot.start, lot.no, lot))
                if lot.free and lot.end is not None and lot.end <= now:
                    due.append((lot.end, lot.no, lot))
            if not due:
                return
            at, _, lot = min(due, key=lambda one: one[:2])
            if not lot.active and lot.start == at:
                lot.active = True
                self.pay_debts(at)
            else:
                lot.expired, lot.free = lot.expired + lot.free, 0

    def pay_debts(self, now: datetime) -> None:
        for debt in self.lots:
            for lot, part in self.take(debt.owed, now):
                debt.stands[lot] = debt.stands.get(lot, 0) + part
                debt.owed -= part

    # --- points go --------------------------------------------------------------------------

    def take(self, points: int, at: datetime) -> list[tuple[Lot, int]]:
        taken = []
        for lot in self.choice(at):
            part = min(lot.free, points)
            if part:
                lot.free -= part
                points -= part
                taken.append((lot, part))
        return taken

    def owe(self, points: int, at: datetime) -> Lot:
        debt = self.open(points, at, None, is_debt=True)
        owed, most = self.figures[3], self.programme.most_debt
        debt.owed = points if most is None else max(0, min(points, most - owed))
        return debt

    def spend(self, sale: Sale, points: int, occurred_at: datetime, now: datetime) -> None:
        at = min(occurred_at, now)
        for lot in self.choice(at):
            part = min(points, lot.free + lot.expired)
            late = max(0, part - lot.free)
            lot.free, lot.expired = lot.free - (part - late), lot.expired - late
            points -= part
            if part:
                sale.took[lot] = sale.took.get(lot, 0) + part
        if points:
            sale.took[self.owe(points, occurred_at)] = points

    def earn(self, sale: Sale, points: int, bought_at: datetime, now: datetime) -> None:
        start = bought_at + timedelta(days=self.programme.activation_days)
        end = midnight_after(bought_at, self.programme.life_days)
        lot = self.open(points, start, end, active=start <= now)
        lot.free = points
        sale.lots.append(lot)
        sale.earned += points
        self.pay_debts(now)

    def claw_back(self, sale: Sale, points: int, occurred_at: datetime, now: datetime) -> None:
        """What is there of its own lots, or was until it expired; then others in their place."""
        for lot in sale.lots:
            share = min(points, lot.amount - sale.clawed.get(lot, 0), lot.free + lot.expired)
            gone = max(0, share - lot.free)
            lot.free, lot.expired = lot.free - (share - gone), lot.expired - gone
            sale.buried[lot] = sale.buried.get(lot, 0) + gone
            points -= share
            if share:
                sale.clawed[lot] = sale.clawed.get(lot, 0) + share
        for lot in sale.lots:
            missing = min(points, lot.amount - sale.clawed.get(lot, 0))
            points -= missing
            if missing:
                sale.clawed[lot] = sale.clawed.get(lot, 0) + missing
            for other, part in self.take(missing, now):
                lot.stands[other] = lot.stands.get(other, 0) + part
                missing -= part
            if missing:
                lot.stands[self.owe(missing, occurred_at)] = missing

    # --- points come back -------------------------------------------------------------------

    def undo_claw_back(self, sale: Sale, points: int, now: datetime) -> None:
        """What had expired has expired again, unless something else was taken for it."""
        for lot in reversed(list(sale.clawed)):
            part = min(points, sale.clawed[lot])
            points -= part
            stood = min(part, sum(lot.stands.values()))
            grave = min(part - stood, sale.buried.get(lot, 0))
            sale.buried[lot] = sale.buried.get(lot, 0) - grave
            sale.clawed[lot] -= part
            lot.expired += grave
            self.put(lot, part - grave, now)
        self.pay_debts(now)

    def give_back(self, taken: dict[Lot, int], points: int, now: datetime) -> None:
        """Debts first, then what was taken last."""
        latest_first = list(reversed(taken))
        for lot in sorted(latest_first, key=lambda lot: not lot.is_debt):
            part = min(points, taken[lot])
            taken[lot] -= part
            points -= part
            self.put(lot, part, now)
        self.pay_debts(now)

    def put(self, lot: Lot, points: int, now: datetime) -> None:
        for other in reversed(list(lot.stands)):
            part = min(points, lot.stands[other])
            if part:
                lot.stands[other] -= part
                points -= part
                self.put(other, part, now)
        if lot.is_debt:
            lot.owed -= min(points, lot.owed)
        elif lot.lives(now) or not self.programme.grace_days:
            lot.free += points
        elif points:
            fresh = self.open(points, now, midnight_after(now, self.programme.grace_days))
            fresh.free = points


# --- what a purchase comes to ---------------------------------------------------------------


def returned(purchase: Purchase, refunds: list[Refund]) -> dict[str, Fraction]:
    """By line, how much of it came back (`ledger.md` 21)."""
    share = {line.id: Fraction(0) for line in purchase.lines}
    left = {line.id: line.paid_minor for line in purchase.lines}
    for refund in sorted(refunds, key=lambda one: (one.occurred_at, one.external_id)):
        rest = refund.amount_minor
        for part in refund.lines:
            (line,) = (line for line in purchase.lines if line.id == part.id)
            share[line.id] += _share(part, line)
            left[line.id] = max(0, left[line.id] - part.paid_back_minor)
            rest -= part.paid_back_minor
        spread = prorate(min(rest, sum(left.values())), list(left.values()))
        for line, part in zip(purchase.lines, spread, strict=True):
            share[line.id] += Fraction(part, line.paid_minor or 1)
            left[line.id] -= part
    if _all_is_back(purchase, refunds, sum(left.values())):
        return dict.fromkeys(share, Fraction(1))
    return {name: min(part, Fraction(1)) for name, part in share.items()}


def _share(part: RefundLine, line: PurchaseLine) -> Fraction:
    if part.quantity_milli:
        return Fraction(part.quantity_milli, line.quantity_milli)
    return Fraction(part.paid_back_minor, line.paid_minor) if line.paid_minor else Fraction(1)


def _all_is_back(purchase: Purchase, refunds: list[Refund], left: int) -> bool:
    """All the money; where there was none, a refund of no line in particular."""
    paid = sum(line.paid_minor for line in purchase.lines)
    if not paid:
        return any(not refund.lines for refund in refunds)
    told = sum(refund.amount_minor for refund in refunds)
    kopecks_off = sum(len(refund.lines) for refund in refunds)
    return not left or (told >= paid and left <= kopecks_off)


def standing(purchase: Purchase, refunds: list[Refund]) -> tuple[int, int, int]:
    """Points spent on it as it stands, earned by it at first, and earned as it stands."""
    if purchase.status is not PurchaseStatus.PAID:
        return 0, 0, 0
    share = returned(purchase, refunds)
    spent = sum(line.spend_minor or 0 for line in purchase.lines)
    earned = sum(line.paid_minor for line in purchase.lines)
    spent_back = sum((line.spend_minor or 0) * share[line.id] for line in purchase.lines)
    earned_back = sum(line.paid_minor * share[line.id] for line in purchase.lines)
    return spent - half_up(Fraction(spent_back)), earned, earned - half_up(Fraction(earned_back))


def rebook(
    member: Member,
    sale: Sale,
    purchase: Purchase,
    refunds: list[Refund],
    times: tuple[datetime, datetime],
) -> None:
    """Move what differs; `times`: when the event happened, and now."""
    occurred_at, now = times
    spent, promised, earned = standing(purchase, refunds)
    stands = sum(sale.took.values())
    if spent > stands:
        member.spend(sale, spent - stands, occurred_at, now)
    elif spent < stands:
        member.give_back(sale.took, stands - spent, now)
    if promised > sale.earned:
        member.earn(sale, promised - sale.earned, purchase.occurred_at, now)
    clawed = sum(sale.clawed.values())
    wanted = sum(lot.amount for lot in sale.lots) - earned
    if wanted > clawed:
        member.claw_back(sale, wanted - clawed, occurred_at, now)
    elif wanted < clawed:
        member.undo_claw_back(sale, clawed - wanted, now)
