"""Prove the books, and rebuild their figures from what was booked (`ledger.md` 1, 2).

Works through accounts in pages; a page is one transaction of the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from loyalty_core.domain.certificate_book import Figures
from loyalty_core.store import certificate_proof, coupons, promotion_uses, reward_orders
from loyalty_core.store import ledger_proof as store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.ledger import AccountKey

PAGE = 1000
Progress = Callable[[int], None]
"""Told how many accounts have been gone through since the last time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the books that cannot be.  `code` names the law that is broken.

    `member` is whose account it is, `currency` that of the account; of the limits of promotions
    they name the promotion and what is counted.
    """

    member: str
    currency: str
    code: str
    text: str


def count_accounts(connection: Connection, programme_id: int | None = None) -> int:
    return store.count_accounts(connection, programme_id)


def verify_ledger(
    connection: Connection,
    *,
    programme_id: int | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Everything that is wrong with the books; an empty list is the proof.

    * `figures_differ_from_entries`: a figure is not the sum of its entries' changes
    * `figures_differ_from_lots`: the lots do not add up to the figures
    * `lot_differs_from_rows`: replaying entry-lots does not give the lot
    * `entry_differs_from_rows`: an entry says something else than its rows
    * `entries_missing`: the numbers of the entries have a gap
    * `held_without_hold`: points are held that no live hold holds, or the other way round
    * `debt_beside_points`: something is available although something is owed
    * `uses_differ_from_parts`: a limit's counter is not what holds and purchases consumed
    * `uses_of_an_ended_hold`: a hold that has ended keeps a part of a limit
    * `coupon_differs_from_uses`: a coupon is not counted as holds and purchases use it
    * `coupon_of_an_ended_hold`: a hold that has ended keeps a coupon
    * `stock_differs_from_orders`: a reward's stock is not taken as it was ordered
    * `order_differs_from_entries`: the points of an order are not what its entries moved
    * `certificate_differs_from_moves`: a figure is not the sum of its movements
    * `certificate_of_an_ended_hold`: money is reserved that no live hold reserves
    """
    findings: list[Finding] = []
    for page in store.account_pages(connection, programme_id, PAGE):
        findings += verify_accounts(connection, page)
        if progress is not None:
            progress(len(page))
    findings += _verify_limits(connection, programme_id)
    findings += _verify_coupons(connection, programme_id)
    findings += _verify_rewards(connection, programme_id)
    return findings + _verify_certificates(connection, programme_id)


def _verify_limits(connection: Connection, programme_id: int | None) -> list[Finding]:
    found = [
        Finding(
            f"promotion {key.promotion}",
            key.of,
            "uses_differ_from_parts",
            f"per {key.per} ({key.owner}), {key.period} since {key.starts_at:%Y-%m-%d}: "
            f"{used} != {consumed}",
        )
        for key, used, consumed in promotion_uses.differing(connection, programme_id)
    ]
    return found + [
        Finding(f"hold {number}", "uses", "uses_of_an_ended_hold", "it has ended")
        for number in promotion_uses.kept_for_ended(connection, programme_id)
    ]


def _verify_coupons(connection: Connection, programme_id: int | None) -> list[Finding]:
    """A code is worth something, so its end alone is told."""
    found = [
        Finding(f"coupon ...{code[-4:]}", "uses", "coupon_differs_from_uses", f"{said} != {times}")
        for (_, code), said, times in coupons.differing(connection, programme_id)
    ]
    return found + [
        Finding(f"hold {number}", "coupons", "coupon_of_an_ended_hold", "it has ended")
        for number in coupons.kept_for_ended(connection, programme_id)
    ]


def _verify_rewards(connection: Connection, programme_id: int | None) -> list[Finding]:
    found = [
        Finding(f"reward {reward}", "pieces", "stock_differs_from_orders", f"{said} != {pieces}")
        for _, reward, said, pieces in reward_orders.stock_differing(connection, programme_id)
    ]
    return found + [
        Finding(to_wire("ro", number), "points", "order_differs_from_entries", f"{said} != {due}")
        for number, said, due in reward_orders.misbooked(connection, programme_id)
    ]


def _verify_certificates(connection: Connection, programme_id: int | None) -> list[Finding]:
    found = [
        Finding(
            to_wire("ct", number),
            name,
            "certificate_differs_from_moves",
            f"{figure} != {summed}" if figure != summed else "movements are missing",
        )
        for number, said, sums in certificate_proof.differing(connection, programme_id)
        for name, figure, summed in _different(said, sums)
    ]
    return found + [
        Finding(f"hold {number}", "certificates", "certificate_of_an_ended_hold", "it has ended")
        for number in certificate_proof.kept_for_ended(connection, programme_id)
    ]


def _different(said: Figures, sums: Figures) -> list[tuple[str, int, int]]:
    """The figures that differ; the first where it is the count of movements that does."""
    told = list(zip(Figures._fields, said, sums, strict=True))
    return [one for one in told if one[1] != one[2]] or told[:1]


def verify_accounts(connection: Connection, page: Sequence[AccountKey]) -> list[Finding]:
    asked = set(page)  # the checks look at all accounts between its first and its last
    return [
        Finding(to_wire("m", member), currency, code, text)
        for code, check in store.CHECKS.items()
        for member, currency, text in check(connection, page)
        if (member, currency) in asked
    ]


def rebuild_ledger(
    connection: Connection,
    *,
    programme_id: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Make lots and figures anew from entries and entry-lots, the counters of limits from what
    was consumed, what is taken of stocks from orders, and certificates from their movements; how
    many of these changed.

    It replays what was booked and never chooses again, so on sound books it changes nothing.
    """
    # Accounts come last, as everywhere (`ledger.md` 4).
    changed = promotion_uses.rebuild(connection, programme_id)
    changed += coupons.rebuild(connection, programme_id)
    changed += certificate_proof.rebuild(connection, programme_id)
    changed += reward_orders.rebuild_stock(connection, programme_id)
    for page in store.account_pages(connection, programme_id, PAGE):
        changed += sum(store.rebuild_account(connection, key) for key in page)
        if progress is not None:
            progress(len(page))
    return changed
