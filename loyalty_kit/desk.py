"""The hub's checkout, handed to a vendor's own protocol (`ports.ProtocolRoute`).

Its words are those of the checkout and the events; what a till calls a buyer is a `Buyer`.
Grows with the connectors that need it; what is here the hub gives today.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from loyalty_kit.checkout import HoldRequest, Quote, QuoteRequest
from loyalty_kit.events import Customer

if TYPE_CHECKING:
    from loyalty_kit.ports import InboundRequest

CODES_SETTING = "codes_to_till"
"""A boolean setting of this name lets the owner hand confirmation codes to a till that compares
them itself.  Without it, or where it is off, `Desk.send_code` gives no code away."""


class Declined(Exception):
    """The hub refuses what was asked; `code` is a stable one of `docs/http-contract.md`.

    `retry_after_s` is told where the same call may do later.
    """

    def __init__(self, code: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Buyer:
    """A member as the cashier's till may know them.  `external` is the vendor's own id, where
    this connection knows one; points in hundredths of the main currency, `held` beside
    `available`; `birth_date` is ISO 8601, `gender` "male" or "female"."""

    id: str
    external: str | None = None
    phone: str | None = None
    email: str | None = None
    card: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    available: int = 0
    held: int = 0
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class NewBuyer:
    """Whom a cashier enters.  Names, dates and gender are as in `Buyer`.

    `confirmed` False: the vendor's records name the person, who did not join by a word of their
    own, so nothing is sent until they say yes to something (`ledger.md` 29).
    """

    external: str | None = None
    phone: str | None = None
    email: str | None = None
    card: str | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code is on its way.  `code` is told only where `CODES_SETTING` is on."""

    retry_after_s: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A gift certificate as a till may know it: it asks by the number alone.

    `state` is one of `docs/http-contract.md` ("active", "spent", "expired", ...); money in
    kopecks, `nominal_minor` None where it was issued without one, `balance_minor` what may be
    paid with it now.  `bound`: it pays for some goods alone, or for its own member.
    """

    id: str
    code: str
    state: str
    balance_minor: int
    nominal_minor: int | None = None
    expires_at: datetime | None = None
    bound: bool = False


@dataclass(frozen=True, slots=True)
class TierTerms:
    """What a tier changes of `Terms`."""

    code: str
    earn_bp: int
    limit_bp: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The plain part of the rules in force: what is earned and spent where no promotion applies.

    Percents in hundredths (`earn_bp` of the money, `limit_bp` of a receipt payable with points),
    `value_minor` kopecks per whole point, `step` and `least` in hundredths of a point; `rounding`
    is that of a currency of points, `base` that of the rules (`paid`, `amount`,
    `paid_unless_spent`).
    """

    version: int
    earn_bp: int
    base: str
    rounding: Literal["down", "half_up", "none"]
    value_minor: int
    limit_bp: int
    step: int
    least: int
    tiers: tuple[TierTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A line of a booked purchase: what was paid for it, and what came back, in kopecks and in
    thousandths of a unit."""

    id: str
    paid_minor: int
    back_minor: int = 0
    back_milli: int = 0


@dataclass(frozen=True, slots=True)
class BookedSale:
    """What became of a purchase of this connection; points in hundredths of the main currency.
    `flags` are words of `ledger.md`; `known` says that it is some member's; `returns` are the sums,
    in kopecks, of those of its returns that this connection told, by their external ids."""

    status: str
    known: bool
    earned: int
    spent: int
    flags: tuple[str, ...] = ()
    lines: tuple[BookedLine, ...] = ()
    returns: Mapping[str, int] = field(default_factory=dict)


class Desk(Protocol):
    """What an installation may ask of its own programme while a till waits.

    While the owner has paused the connection everything is Declined with `paused`, but for
    `first_time`, `own`, `save` and `keep`: what has happened is kept all the same.
    """

    @property
    def now(self) -> datetime: ...

    def quote(self, request: QuoteRequest) -> Quote:
        """Base prices without spending (`degraded`) where there is no time.  Raises: Declined."""
        ...

    def hold(self, request: HoldRequest) -> Quote:
        """Promise a basket; the same cart again replaces its hold.  A code in it that is refused
        counts as an attempt (`code_wrong`, `code_over`).  Raises: Declined."""
        ...

    def renew(self, cart: str, *, shop: str | None = None, ttl_s: int) -> bool:
        """Set aside, from now on, what the last hold of a cart promised, for a buyer whom the
        caller vouches for.  False where there is none, or it was let go.  Raises: Declined,
        `price_changed` and `not_enough_points` among others."""
        ...

    def release(self, cart: str, *, shop: str | None = None) -> None:
        """Let the hold of a cart go, if it has one.  Raises: Declined."""
        ...

    def buyer(self, customer: Customer) -> Buyer | None:
        """The member whom these words name, a scanned code of a member among them.

        Raises: Declined."""
        ...

    def search(self, text: str, *, limit: int) -> tuple[Buyer, ...]:
        """Members by phone, card, e-mail or the beginning of names.  Raises: Declined."""
        ...

    def enrol(self, new: NewBuyer) -> Buyer:
        """Whom staff has entered: a new member, or the known one with this `external`, card,
        phone or e-mail, who then has `external` too.  Raises: Declined."""
        ...

    def send_code(
        self,
        customer: Customer,
        purpose: Literal["spend", "join"],
        *,
        cart: str | None = None,
        shop: str | None = None,
    ) -> SentCode:
        """Send a confirmation code to the buyer; to spend, for a cart of a shop.

        Raises: Declined."""
        ...

    def terms(self) -> Terms:
        """Raises: Declined."""
        ...

    def booked(self, external_id: str) -> BookedSale | None:
        """A purchase that this connection told of; None while it is not booked.

        Raises: Declined."""
        ...

    def marks(self, skus: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The marks (`Product.attributes`) of the goods that the catalogue knows.

        Raises: Declined."""
        ...

    def gift_card(self, code: str) -> GiftCard | None:
        """The gift certificate with this number; None where there is none.

        Wrong numbers are counted.  Raises: Declined (`too_many_attempts`)."""
        ...

    def first_time(self, name: str) -> bool:
        """Whether this name is asked about for the first time: a proof that may be used once.

        Raises: Declined."""
        ...

    def own(self, name: str, by: str) -> bool:
        """Whether this name is `by`'s: it is for good of who asks about it first.

        Raises: Declined."""
        ...

    def save(self, settings: Mapping[str, str]) -> None:
        """Change these of the installation's settings, as the owner would in the form.

        Raises: Declined (`validation_failed`; `try_again` where they cannot be saved now)."""
        ...

    def keep(self, webhook: str, inbound: InboundRequest) -> None:
        """Keep a call once, as if it had come to this webhook; its meaning is booked later.

        Raises: Refused (forged or unreadable: nothing is kept), Declined."""
        ...
