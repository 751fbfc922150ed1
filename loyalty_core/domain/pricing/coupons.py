"""Series of coupons in the rules, and what the codes that a buyer entered come to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loyalty_core.domain.coupon_codes import is_mistyped
from loyalty_core.domain.pricing.declare import (
    CODE,
    INSTANT,
    NAME,
    choice,
    decimal,
    optional,
    whole,
    word,
)
from loyalty_core.domain.pricing.rule_type import Refusal


@dataclass(frozen=True, slots=True)
class CouponSeries:
    """What all coupons of one kind have in common.

    `uses`: how often one code may be used, by all together.  `life_days` counts from the issue,
    to the midnight that ends the last day.  `price_points` (hundredths): a member may take one
    for so many points; None: not to be had for points.
    """

    code: str = field(metadata=word("code", CODE, en="Code", ru="Код"))
    name: str = field(metadata=word("name", NAME, en="Name", ru="Название"))
    uses: int = field(
        default=1,
        metadata=word(
            "uses", whole(least=1, most=10**9), en="Uses of one code", ru="Применений одного кода"
        ),
    )
    life_days: int | None = field(
        default=None,
        metadata=word(
            "life_days",
            optional(whole(least=1, most=36_500)),
            en="Days until a coupon ends",
            ru="Срок жизни купона, дней",
        ),
    )
    starts_at: datetime | None = field(
        default=None, metadata=word("starts_at", optional(INSTANT), en="Starts", ru="Начало")
    )
    ends_at: datetime | None = field(
        default=None, metadata=word("ends_at", optional(INSTANT), en="Ends", ru="Конец")
    )
    price_points: int | None = field(
        default=None,
        metadata=word(
            "price", optional(decimal(least=1)), en="Price in points", ru="Цена в баллах"
        ),
    )
    given_back: str = field(
        default="with_goods",
        metadata=word(
            "given_back",
            choice("with_goods", "with_receipt", "never"),
            en="A return gives the use back",
            ru="Возврат возвращает применение",
        ),
    )


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code as the store knows it.  `left`: uses that others have not taken; `state`: active,
    blocked or withdrawn; `member_id` None: for whoever has it."""

    code: str
    series: str
    member_id: int | None
    state: str
    left: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def closed(self, series: CouponSeries, member_id: int | None, now: datetime) -> Refusal | None:
        """Why this buyer may not use it now, if so."""
        if self.state != "active":
            return Refusal(f"coupon_{self.state}")
        if self.member_id is not None and member_id is None:
            return Refusal("member_required")
        if self.member_id not in (None, member_id):
            return Refusal("coupon_of_another")
        starts = [at for at in (self.starts_at, series.starts_at) if at is not None]
        if starts and now < max(starts):
            return Refusal("coupon_not_started", {"starts_at": max(starts).isoformat()})
        ends = [at for at in (self.ends_at, series.ends_at) if at is not None]
        if ends and now >= min(ends):
            return Refusal("coupon_expired", {"ends_at": min(ends).isoformat()})
        return None if self.left > 0 else Refusal("coupon_used")


@dataclass(frozen=True, slots=True)
class Entered:
    """What entered codes come to, all in normal form.

    `chosen`: the coupon of each series that stands on this receipt: one, the first that may be
    used.  `refusals`: why each of the others does not.
    """

    series: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, Refusal] = field(default_factory=dict)

    def closed(self, series: str) -> Refusal | None:
        """Why a promotion of this series has no coupon to apply by, if so."""
        if series in self.chosen:
            return None
        tried = (self.refusals[code] for code, own in self.series.items() if own == series)
        return next(tried, None) or Refusal("coupon_needed")


NO_COUPONS = Entered()


def look_at(
    codes: Sequence[str],
    known: Mapping[str, Coupon],
    series: Mapping[str, CouponSeries],
    bound: Collection[str],
    buyer: tuple[int | None, datetime],
) -> Entered:
    """Judge codes (normal forms) in the order in which they were entered.

    `known`: the coupons among them; `bound`: series that a promotion asks for; `buyer`: who,
    and when.
    """
    member_id, now = buyer
    own: dict[str, str] = {}
    chosen: dict[str, str] = {}
    refusals: dict[str, Refusal] = {}
    for code in dict.fromkeys(codes):
        coupon = known.get(code)
        if coupon is None or coupon.series not in series:
            refusals[code] = Refusal("coupon_mistyped" if is_mistyped(code) else "unknown_code")
            continue
        own[code] = coupon.series
        refusal = coupon.closed(series[coupon.series], member_id, now)
        if refusal is None and coupon.series not in bound:
            refusal = Refusal("coupon_without_promotion")
        if refusal is None and coupon.series in chosen:
            refusal = Refusal("coupon_beside_another")
        if refusal is None:
            chosen[coupon.series] = code
        else:
            refusals[code] = refusal
    return Entered(own, chosen, refusals)
