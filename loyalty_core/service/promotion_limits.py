"""Limits of promotions counted exactly: what holds reserve and purchases consume (`ledger.md` 30).

A hold or purchase is counted by difference, as a purchase is booked: what it should consume as
it now stands is compared with the parts that it has, and the counters move by the rest.  So
release, expiry, replacement, return and cancellation are one mechanism.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.dates import period_start
from loyalty_core.domain.pricing.limits import Effect, Limit, LimitName, uses_of
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.receipt import Returned
from loyalty_core.service.certificate_uses import CertificateUses
from loyalty_core.service.coupon_uses import CouponUses
from loyalty_core.store import promotion_uses as store
from loyalty_core.store.coupons import CouponKey
from loyalty_core.store.promotion_uses import Ref, UseKey
from loyalty_kit.events import PurchaseLine

BUDGET_EXCEEDED = "budget_exceeded"


@dataclass(frozen=True, slots=True)
class CountedFor:
    """Where and when something counts, and whose it is (None: nobody's)."""

    programme_id: int
    shop_id: int
    member_id: int | None
    at: datetime
    zone: ZoneInfo

    def key(self, promotion: str, limit: Limit) -> UseKey | None:
        """The counter of a limit; None: one for each member, and nobody is known."""
        owner = {"promotion": 0, "shop": self.shop_id, "member": self.member_id}[limit.per]
        if owner is None:
            return None
        start = period_start(self.at, limit.period, self.zone)
        return UseKey(self.programme_id, owner, promotion, limit.per, limit.period, limit.of, start)

    def keys(self, plan: Plan, promotions: Iterable[str]) -> Iterator[tuple[LimitName, UseKey]]:
        for promotion in promotions:
            for limit in plan.limits[promotion]:
                key = self.key(promotion, limit)
                if key is not None:
                    yield limit.name(promotion), key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hold or purchase should consume of a counter, and the counter's limit."""

    amount: int
    most: int


class Counters:
    """Some counters under lock, and the parts of some holds and purchases in them.

    Lock them before the accounts (`ledger.md` 4).  A counter that nobody foresaw is locked when
    it is first asked for.  `coupons` are counted beside them, and so is the money of
    `certificates`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.coupons = CouponUses(connection)
        self.certificates = CertificateUses(connection)
        self._used: dict[UseKey, int] = {}
        self._moved: set[UseKey] = set()
        self._parts: dict[Ref, dict[UseKey, int]] = {}
        self._changed: set[Ref] = set()

    def lock(self, keys: Iterable[UseKey]) -> None:
        self._used |= store.lock_uses(self._connection, set(keys) - self._used.keys())

    def load(self, refs: Collection[Ref], also: Iterable[UseKey] = ()) -> None:
        """Read the parts of these, and lock their counters and some others, all in one order.

        To be called again once the holds are locked: meanwhile others may have had them.
        """
        found = store.parts_of(self._connection, refs)
        self.lock({*also, *(key for own in found.values() for key in own)})
        if found:
            # Others may have let go of them while we waited.
            found = store.parts_of(self._connection, refs)
        self._parts |= {ref: found.get(ref, {}) for ref in refs}

    def used(
        self, names: Iterable[tuple[LimitName, UseKey]], own: Sequence[Ref] = ()
    ) -> dict[LimitName, int]:
        """What others than `own` have consumed."""
        listed = list(names)
        self.lock(key for _, key in listed)
        mine = self.parts(own)
        return {name: self._used[key] - mine.get(key, 0) for name, key in listed}

    def parts(self, refs: Iterable[Ref]) -> dict[UseKey, int]:
        """What these have consumed together."""
        total: dict[UseKey, int] = {}
        for ref in refs:
            for key, amount in self._parts.get(ref, {}).items():
                total[key] = total.get(key, 0) + amount
        return total

    def set(
        self, ref: Ref, wanted: Mapping[UseKey, Wanted], coupons: Collection[CouponKey] = ()
    ) -> None:
        """From now on this hold or purchase consumes that, and nothing else."""
        self.coupons.set(ref, coupons)
        before = self._parts.get(ref, {})
        after = {key: one.amount for key, one in wanted.items()}
        if before == after:
            return
        self.lock(after)
        for key in before.keys() | after.keys():
            self._used[key] += after.get(key, 0) - before.get(key, 0)
            self._moved.add(key)
        self._parts[ref] = after
        self._changed.add(ref)

    def end_hold(self, hold_id: int, now: datetime) -> None:
        """A hold has nothing any more: of limits, coupons and certificates."""
        self.set(("hold", hold_id), {})
        self.certificates.let_go(hold_id, now)

    def exceeded(self, wanted: Mapping[UseKey, Wanted], before: Mapping[UseKey, int]) -> bool:
        """Whether more than `before` was taken of a counter that is past its limit now."""
        return any(
            one.amount > before.get(key, 0) and self._used[key] > one.most
            for key, one in wanted.items()
        )

    def write(self) -> None:
        self.coupons.write()
        self.certificates.write()
        if self._changed:
            store.write_uses(
                self._connection,
                {key: self._used[key] for key in self._moved},
                {ref: self._parts[ref] for ref in self._changed},
            )


def wanted_of(
    effects: Iterable[Effect], back: Returned, plan: Plan, counted: CountedFor
) -> dict[UseKey, Wanted]:
    """What effects consume, less the part of their lines that came back.

    A use is given back when nothing of its effect is left.
    """
    wanted: dict[UseKey, Wanted] = {}
    for effect in effects:
        limits = plan.limits.get(effect.promotion, ())
        for limit, part in uses_of(limits, effect.left(back.share)):
            key = counted.key(effect.promotion, limit)
            if key is not None:
                known = wanted.get(key)
                total = part if limit.of == "uses" or known is None else known.amount + part
                wanted[key] = Wanted(total, limit.most)
    return wanted


def still_given(effects: Iterable[Effect], lines: Sequence[PurchaseLine]) -> list[Effect]:
    """Of what a hold gave, that which the lines of the purchase can still hold.

    A line that was bought as promised has all of it; one that was bought with less off has no
    more than its own discount and spend.
    """
    room = {
        "money": {line.id: _off(line) for line in lines},
        "spend": {line.id: line.spend_minor or 0 for line in lines},
        "given": {line.id: 1 for line in lines},
    }
    left: list[Effect] = []
    for effect in effects:
        own = room[effect.of]
        by_line = []
        for name, amount in effect.by_line:
            part = min(amount, own.get(name, 0))
            if part:
                if effect.of != "given":
                    own[name] -= part
                by_line.append((name, part))
        left.append(Effect(effect.promotion, effect.of, tuple(by_line)))
    return left


def _off(line: PurchaseLine) -> int:
    return line.discount_minor if line.discount_minor is not None else line.reduction_minor or 0
