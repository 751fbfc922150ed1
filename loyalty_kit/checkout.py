"""The checkout words: what a till asks and what it is told.

Fields mean what `docs/http-contract.md` (Checkout) says.  Money in kopecks, points in
hundredths, quantities in thousandths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from loyalty_kit.events import Customer, LineKind
from loyalty_kit.frozen import frozen

HOLD_TTL_S = 1800
"""Life of a hold that does not say how long it wants to live."""

Spend = int | Literal["max"] | None


@frozen
class BasketLine:
    """A line to be priced; what it leaves out (None) the catalogue may fill in.

    `volume_ml` and `strength_bp` (hundredths of a percent) are those of a unit of drink.
    """

    id: str
    quantity_milli: int
    amount_minor: int
    kind: LineKind = LineKind.GOODS
    sku: str | None = None
    name: str | None = None
    price_minor: int | None = None
    categories: tuple[str, ...] | None = None
    brand: str | None = None
    attributes: tuple[str, ...] | None = None
    legal_class: str | None = None
    discountable: bool = True
    min_price_minor: int = 0
    volume_ml: int | None = None
    strength_bp: int | None = None


@frozen
class QuoteRequest:
    lines: tuple[BasketLine, ...]
    currency: str = "RUB"
    shop: str | None = None
    channel: str = "online"
    cart: str | None = None
    order: str | None = None
    hold: str | None = None
    member: Customer | None = None
    coupons: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    spend: Spend = None
    payment: str | None = None
    line_prices: Literal["total", "unit"] = "total"
    split_lines: bool = False
    locale: str = "ru"
    explain: Literal["short", "all", "full"] = "short"


@frozen
class HoldRequest:
    """A basket to be promised.

    `expect_payable_minor`, `expect_to_pay_minor` (kopecks; the latter is what certificates
    leave to pay) and `expect_spend_points` (hundredths of a point) are what
    the buyer was shown; None is "not said".  `set_aside` False promises without setting points
    aside: they are once the hold is renewed.
    """

    request: QuoteRequest
    ttl_s: int = HOLD_TTL_S
    code: str | None = None
    expect_payable_minor: int | None = None
    expect_spend_points: int | None = None
    expect_to_pay_minor: int | None = None
    set_aside: bool = True


@frozen
class Balance:
    """Figures of one account, in hundredths of a point; all >= 0 (`ledger.md` 1)."""

    currency: str
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0


@frozen
class TierView:
    code: str
    name: str


@frozen
class ShownBalance(Balance):
    """What a shop is to show of a member: the balance, and the tier, None below the first."""

    tier: TierView | None = None


@frozen
class ShopCoupon:
    """A coupon of the programme, as a shop may give it by itself.

    It takes off the goods of the basket either a percent (`percent_bp`, hundredths of a percent)
    or a sum (`sum_minor`, kopecks, with tax as buyers pay it); the other one is None.
    `least_minor`: from goods of so much on.  `ends_at`: from then on it is good no more.  `uses`:
    how often it may be used in this shop, from its making on, by all together.  It is for buyers
    with one of the `accounts` (the shop's own ids, as events name customers) or `emails` alone;
    where there are neither, for whoever has the code.  No other coupon stands beside it.
    """

    code: str
    percent_bp: int | None
    sum_minor: int | None
    least_minor: int
    ends_at: datetime | None
    uses: int
    accounts: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@frozen
class MemberView:
    """What an answer shows of a member: nothing personal unless verified."""

    id: str
    verified: bool
    name: str | None = None
    tier: TierView | None = None
    balance: Balance | None = None
    balances: tuple[Balance, ...] = ()


@frozen
class LineDiscount:
    promotion: str
    name: str
    amount_minor: int


@frozen
class LinePart:
    """Some units of a line at one price; the parts of a line add up to it."""

    quantity_milli: int
    payable_minor: int
    unit_price_minor: int


@frozen
class PricedLine:
    """amount - discount - spend = payable; `earn` in hundredths of the main currency.

    `parts` only where they were asked for and no single price of a unit fits.  `barred`: why the
    buyer may not have the line; "exclusive" is the one reason that there is.
    """

    id: str
    amount_minor: int
    discount_minor: int
    spend_minor: int
    payable_minor: int
    earn_points: int
    unit_price_minor: int | None = None
    discounts: tuple[LineDiscount, ...] = ()
    trace: tuple[str, ...] = ()
    parts: tuple[LinePart, ...] = ()
    barred: str | None = None


@frozen
class Totals:
    amount_minor: int
    discount_minor: int
    spend_minor: int
    payable_minor: int
    certificates_minor: int = 0

    @property
    def to_pay_minor(self) -> int:
        return self.payable_minor - self.certificates_minor


@frozen
class EarnedOther:
    currency: str
    earn: int


@frozen
class PointsOffer:
    """What the basket earns and may be paid with, in hundredths of the main currency; `others`:
    what it earns in each other currency."""

    earn: int = 0
    spend: int = 0
    spend_min: int = 0
    spend_max: int = 0
    spend_step: int = 100
    code_required: bool = False
    others: tuple[EarnedOther, ...] = ()


@frozen
class CodeAnswer:
    code: str
    status: str
    reason: str | None = None
    text: str | None = None


@frozen
class CertificateAnswer:
    """What an entered certificate pays, and what will be left on it (None: not told)."""

    code: str
    status: str
    reason: str | None = None
    text: str | None = None
    amount_minor: int = 0
    left_minor: int | None = None


@frozen
class Explanation:
    """Why a promotion did or did not apply; `facts` are wire-ready values."""

    promotion: str
    name: str
    applied: bool
    reason: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


@frozen
class Gift:
    """Goods that a promotion gives with the receipt; the shop adds the line."""

    promotion: str
    sku: str
    name: str
    quantity_milli: int


@frozen
class Benefit:
    """What is given and is no money; `promotion` None: the member's tier gives it."""

    promotion: str | None
    code: str
    name: str


@frozen
class Offer:
    """What is for this member and not for everybody: of `kind` "exclusive", the goods of a
    promotion that only some may buy, told by the words of the rules; "personal", goods of the
    member's own `list`; "promotion", any other that is bound to members."""

    kind: str
    promotion: str
    name: str
    ends_at: datetime | None = None
    list: str | None = None
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()


@frozen
class Quote:
    id: str
    rules_version: int
    valid_until: datetime
    lines: tuple[PricedLine, ...]
    totals: Totals
    points: PointsOffer
    degraded: bool = False
    member: MemberView | None = None
    coupons: tuple[CodeAnswer, ...] = ()
    certificates: tuple[CertificateAnswer, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    gifts: tuple[Gift, ...] = ()
    offers: tuple[Offer, ...] = ()
    explanation: tuple[Explanation, ...] = ()
