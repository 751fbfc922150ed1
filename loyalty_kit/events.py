"""The canonical events: what connectors produce, and what the core books.

Fields mean what `docs/http-contract.md` (Events) and `docs/ledger.md` say.  Money in kopecks,
points in hundredths, quantities in thousandths; times are aware.  `None` is "not said";
an empty tuple is "said: none".
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from loyalty_kit.frozen import frozen

EVENTS_VERSION = 1
"""Version of the wire form of these events (`events_schema`)."""
_SOME_NUMBER = re.compile("[1-9]")


class PurchaseStatus(StrEnum):
    """`open`: placed, not paid (keeps its hold, books nothing)."""

    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


class LineKind(StrEnum):
    """What a line sells; only goods earn unless the programme says otherwise.

    The sale of a gift certificate never does, and no rule takes anything off it: it is money
    paid in advance.
    """

    GOODS = "goods"
    DELIVERY = "delivery"
    FEE = "fee"
    CERTIFICATE = "certificate"


RULED_KINDS = (LineKind.GOODS, LineKind.DELIVERY, LineKind.FEE)
"""Those that rules may speak of."""


@frozen
class ExternalId:
    """A person's id in another system; `system` None means the source that sent it."""

    system: str | None
    id: str


@frozen
class Customer:
    """Who a receipt or a basket says it is.  Every field may be missing."""

    id: str | None = None
    code: str | None = None
    external: ExternalId | None = None
    card: str | None = None
    phone: str | None = None
    email: str | None = None
    verified: bool = False
    first_name: str | None = None
    last_name: str | None = None


@frozen
class CertificateSale:
    """A gift certificate that a line sells, or adds to.  `nominal_minor` None: that of the
    certificate, or, where it has none or is topped up, what the line costs."""

    code: str
    nominal_minor: int | None = None


@frozen
class PurchaseLine:
    """One line of a receipt: amount - discount - spend = paid (`ledger.md` 15).

    `reduction` replaces `discount` and `spend` where the shop cannot tell them apart; then
    those two are None.  `certificate` only with the kind of that name.
    """

    id: str
    quantity_milli: int
    amount_minor: int
    paid_minor: int
    kind: LineKind = LineKind.GOODS
    sku: str | None = None
    name: str | None = None
    price_minor: int | None = None
    discount_minor: int | None = 0
    spend_minor: int | None = 0
    reduction_minor: int | None = None
    categories: tuple[str, ...] | None = None
    brand: str | None = None
    attributes: tuple[str, ...] | None = None
    legal_class: str | None = None
    certificate: CertificateSale | None = None


@frozen
class Payment:
    kind: str
    amount_minor: int


@frozen
class CertificateUse:
    code: str
    amount_minor: int


@frozen
class FiscalSign:
    """Fiscal drive, document and sign of one fiscal receipt, without the zeros before them: some
    tills and vendors fill numbers up, and others do not."""

    fn: str
    fd: str
    fp: str

    def __post_init__(self) -> None:
        for part in ("fn", "fd", "fp"):
            object.__setattr__(self, part, getattr(self, part).lstrip("0") or "0")

    @property
    def is_told(self) -> bool:
        """Whether it names a receipt: who has no sign, as a till without a fiscal drive, may fill
        the parts with zeros or dashes, the same for all its receipts."""
        return all(_SOME_NUMBER.search(part) for part in (self.fn, self.fd, self.fp))


@frozen
class RefundLine:
    """`id` is the line of the purchase; `quantity_milli` 0 or None: by money alone."""

    id: str | None
    paid_back_minor: int
    quantity_milli: int | None = None
    sku: str | None = None


@frozen
class Refund:
    """Goods or money went back.  `amount_minor` is all money back; lines may be empty.

    A `fiscal` that names no receipt is none.
    """

    external_id: str
    occurred_at: datetime
    amount_minor: int
    currency: str = "RUB"
    revision: int = 1
    purchase: str | None = None
    order: str | None = None
    fiscal: FiscalSign | None = None
    shop: str | None = None
    customer: Customer | None = None
    lines: tuple[RefundLine, ...] = ()
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.fiscal is not None and not self.fiscal.is_told:
            object.__setattr__(self, "fiscal", None)


@frozen
class Purchase:
    """A sale as the shop says it stands.

    `refunds`: None changes nothing; a tuple tells the whole list, so that refunds that are
    not in it any more are withdrawn (`ledger.md` 20).  `shop` None is the default shop of the
    installation or key.  `points_spent` None means: see the lines.  Of `fiscal` what names no
    receipt is left out.
    """

    external_id: str
    occurred_at: datetime
    lines: tuple[PurchaseLine, ...]
    currency: str = "RUB"
    revision: int = 1
    status: PurchaseStatus = PurchaseStatus.PAID
    order: str | None = None
    cart: str | None = None
    shop: str | None = None
    channel: str = "pos"
    customer: Customer | None = None
    points_spent: int | None = None
    hold: str | None = None
    coupons: tuple[str, ...] = ()
    certificates: tuple[CertificateUse, ...] = ()
    payments: tuple[Payment, ...] = ()
    fiscal: tuple[FiscalSign, ...] = ()
    refunds: tuple[Refund, ...] | None = None
    cashier: str | None = None

    def __post_init__(self) -> None:
        if self.fiscal:
            told = tuple(sign for sign in self.fiscal if sign.is_told)
            object.__setattr__(self, "fiscal", told)


Event = Purchase | Refund
