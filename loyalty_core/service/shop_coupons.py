"""What a shop that makes coupons of its own is to have of the programme's, at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import told
from loyalty_core.domain.errors import InvalidInput
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.pricing.shop_coupons import Terms, Why, terms_of
from loyalty_core.service.coupons import SHOWN
from loyalty_core.service.members import Page
from loyalty_core.store import coupon_pushes, members
from loyalty_core.store import coupons as store
from loyalty_core.store.coupons import ACTIVE, KeptCoupon
from loyalty_core.store.ids import to_wire
from loyalty_kit.checkout import ShopCoupon

NOBODY = "coupon_without_address"
"""A coupon of one member of whom the shop knows no account and the hub no e-mail."""
AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`coupon` None: the shop is to have none of this code.  `changes_at`: when this will be
    another by itself.  `why`: what keeps a good coupon from the shop, for the owner."""

    coupon: ShopCoupon | None = None
    changes_at: datetime | None = None
    why: str | None = None


def series_in_shops(plan: Plan) -> Mapping[str, Terms | Why]:
    """Of each series: what its coupons are in a shop, or why they cannot be there."""
    return {code: terms_of(plan, one) for code, one in plan.series.items()}


def not_taken(
    connection: Connection,
    programme_id: int,
    *,
    seen: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """Coupons that a shop did not take, wire-ready.  One leaves the list when it is taken, or is
    wanted no more, and by no person's mark, so of `seen` there are none.

    `code` is its end alone: the whole one is value.  `cursor`: how many came before.

    Raises: InvalidInput (cursor).
    """
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise InvalidInput({"cursor": ["Not a cursor of this list."]})
    skip = int(cursor or 0)
    rows = (
        []
        if seen
        else coupon_pushes.not_taken(connection, programme_id, skip=skip, limit=limit + 1)
    )
    page = [
        {
            "source": to_wire("i", row.installation_id),
            "series": row.series,
            "code": f"...{row.code[-SHOWN:]}",
            "reason": row.error_code,
            "again_at": None if row.due_at is None else row.due_at.isoformat(),
        }
        for row in rows[:limit]
    ]
    return Page(page, str(skip + limit) if len(rows) > limit else None)


def wanted(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plan: Plan,
    programme_id: int,
    code: str,
    *,
    source: str,
    now: datetime,
) -> Wanted:
    """What the shop of this source is to have of a code (its normal form)."""
    kept = store.known_coupons(connection, [(programme_id, code)]).get((programme_id, code))
    series = None if kept is None else plan.series.get(kept.series)
    if kept is None or series is None or kept.standing != ACTIVE:
        return Wanted()
    terms = terms_of(plan, series)
    if not isinstance(terms, Terms):
        return Wanted()
    starts = [at for at in (kept.starts_at, terms.starts_at) if at is not None]
    if starts and now < max(starts):
        return Wanted(changes_at=max(starts))
    ends_at = min((at for at in (kept.ends_at, terms.ends_at) if at is not None), default=None)
    # What orders of this shop have used the shop counts itself.
    elsewhere = kept.total - store.used_by_source(connection, kept.key, source)
    uses = kept.most - elsewhere
    if uses <= 0 or (ends_at is not None and now >= ends_at):
        return Wanted()
    accounts, emails = _addresses(connection, kept, source)
    if kept.member_id is not None and not accounts and not emails:
        return Wanted(changes_at=now + AGAIN, why=NOBODY)
    coupon = ShopCoupon(
        told(kept.code),
        terms.percent_bp,
        terms.sum_minor,
        terms.least_minor,
        ends_at,
        uses,
        accounts,
        emails,
    )
    return Wanted(coupon, ends_at)


def _addresses(
    connection: Connection, kept: KeptCoupon, source: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The accounts that the shop has of a coupon's member, and the e-mails that the hub knows."""
    if kept.member_id is None:
        return (), ()
    keys = [
        key for key, _ in members.names_of(connection, [kept.member_id]).get(kept.member_id, [])
    ]
    accounts = {key.value for key in keys if key.kind == "external" and key.system == source}
    emails = {key.value for key in keys if key.kind == "email"}
    return tuple(sorted(accounts)), tuple(sorted(emails))
