"""Wrong codes are counted, so that nobody finds a coupon, a gift certificate or a card by trying.

A wrong code counts for the member that it was tried for, if somebody vouches for them; else for
the cart and for the key that it came by.  Who has none left is told so, whatever the code: a
right one looks the same then.  A web shop asks for all its buyers by one key and from one
address: so strangers who try codes there use up what strangers have, and members go on.

A code of ours with a wrong check character counts nothing: it was misread, and cannot be live.

A card in a quote counts so only where nobody vouches for whose it is, and at a till for its cart
alone: no till stops knowing its buyers because others mistype.  Whoever has run out is priced as
one whom nobody knows, which a right card looks like then, too; the sale goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hub.limits import RateLimit
from hub.refusal import Refusal
from loyalty_core.domain.pricing.sentences import known_locale, reason_text
from loyalty_kit.checkout import CertificateAnswer, CodeAnswer, Quote, QuoteRequest

WRONG = frozenset(
    {
        "unknown_code",
        "coupon_of_another",
        "certificate_of_another",
        # Whoever copied it in the shop tries until somebody pays for it.
        "certificate_issued",
    }
)
OF_KEY, OF_LOOKS = 100, 10
"""So many times a member's wrong codes strangers may try by one key, and one key may look up."""
OUT = "too_many_attempts"


class Guesses:
    """Counts what was wrong; knows who has run out in the window that is open now."""

    def __init__(self, most: int, window: str, redis_url: str | None) -> None:
        """`most` wrong codes of one member in a `window`, as "hour"."""
        self._limits = {
            kind: RateLimit(f"{most * times}/{window}", redis_url)
            for kind, times in (("member", 1), ("cart", 1), ("key", OF_KEY), ("look", OF_LOOKS))
        }
        self._lock = threading.Lock()
        self._out: dict[str, datetime] = {}

    def is_out(self, callers: Iterable[str], now: datetime) -> bool:
        with self._lock:
            return any(self._out.get(caller, now) > now for caller in callers)

    def check(self, callers: Iterable[str], now: datetime) -> None:
        """Raises: Refusal 429, for whoever has run out."""
        with self._lock:
            until = max((self._out.get(caller, now) for caller in callers), default=now)
        if until > now:
            wait_s = int((until - now).total_seconds()) + 1
            raise Refusal(429, "rate_limited", {"Retry-After": str(wait_s)})

    def count(self, callers: Iterable[str], wrong: int, now: datetime) -> None:
        """So many codes were wrong."""
        for caller in callers:
            limit = self._limits[caller.partition(":")[0]]
            ends_at = limit.spend(f"guess/{caller}", wrong, now)
            if ends_at is not None:
                with self._lock:
                    self._out = {who: at for who, at in self._out.items() if at > now}
                    self._out[caller] = ends_at


def callers_of(key_id: int, *, member: str | None = None, cart: str | None = None) -> list[str]:
    """Whom a wrong code of this call counts for."""
    if member is not None:
        return [f"member:{member}"]
    callers = [f"key:{key_id}"]
    return callers if cart is None else [*callers, f"cart:{key_id}/{cart}"]


def lookers_of(key_id: int | str) -> list[str]:
    """The same of a call that looks one code up, as a cashier does; a till of a vendor's asks
    by the id of its installation."""
    return [f"look:{key_id}", f"key:{key_id}"]


def card_triers(key_id: int, asked: QuoteRequest) -> list[str]:
    """Whom a wrong card in this quote counts for; nobody, where it has none, or somebody vouches.

    Phones and e-mails count nowhere: a shop asks for those of each guest, who is mostly no member.
    """
    if asked.member is None or asked.member.verified or not asked.member.card:
        return []
    callers = callers_of(key_id, cart=asked.cart)
    return callers[1:] if asked.channel == "pos" else callers


def tried_card(asked: QuoteRequest, quote: Quote) -> bool:
    """Whether the answer tells what a guesser of cards asks.

    Beside a name of the guesser's own even a wrong card finds somebody: that counts whatever is
    found.
    """
    assert asked.member is not None
    beside = bool(asked.member.phone or asked.member.email)
    return not quote.degraded and (beside or quote.member is None)


def without_card(asked: QuoteRequest) -> QuoteRequest:
    assert asked.member is not None
    return replace(asked, member=replace(asked.member, card=None))


def codes_in(asked: QuoteRequest) -> int:
    return len(asked.coupons) + len(asked.certificates)


def count_wrong(quote: Quote) -> int:
    reasons = [one.reason for one in quote.coupons]
    reasons += [one.reason for one in quote.certificates]
    return sum(1 for reason in reasons if reason in WRONG)


def without_codes(asked: QuoteRequest) -> QuoteRequest:
    return replace(asked, coupons=(), certificates=())


def told_out(quote: Quote, asked: QuoteRequest) -> Quote:
    """The quote of a basket without its codes, which says why they were not looked at."""
    locale = known_locale(asked.locale)
    text = reason_text(OUT, {}, asked.currency, locale)
    return replace(
        quote,
        coupons=tuple(CodeAnswer(code, "rejected", OUT, text) for code in asked.coupons),
        certificates=tuple(
            CertificateAnswer(code, "rejected", OUT, text) for code in asked.certificates
        ),
    )
