"""The catalogue of rewards as shops and members see it, its stock, and lists of orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty_core.domain.coupon_codes import told as told_code
from loyalty_core.domain.errors import InvalidInput, ProgrammeNotFound, RewardNotFound
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.reward_catalogue import RewardItem, open_rewards, reward_of
from loyalty_core.domain.rules import RuleSet
from loyalty_core.service.member_offers import seen_by
from loyalty_core.service.members import Page, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import accounts, audit, members, programmes
from loyalty_core.store import reward_orders as store
from loyalty_core.store.ids import from_wire, to_wire
from loyalty_core.store.reward_orders import KeptOrder, Stock
from loyalty_kit.money import format_decimal

MOST_PIECES = 10**9


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A reward with its currency of points; `left` None: it never runs out."""

    item: RewardItem
    currency: str
    left: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A reward as a member sees it.  `mine`: own orders of it that are not cancelled;
    `missing_points`: hundredths that the member does not have to order it now."""

    shown: OnShelf
    mine: int
    missing_points: int


def show_shelf(connection: Connection, plans: PlanCache, programme_id: int) -> list[OnShelf]:
    """All rewards of the rules in force.  Raises: ProgrammeNotFound."""
    rules = _rules(connection, plans, programme_id)
    left = store.left_of_all(connection, programme_id)
    return [_on_shelf(one, rules, left) for one in rules.reward_catalogue]


def member_rewards(
    connection: Connection, plans: PlanCache, programme_id: int, member_id: str, *, now: datetime
) -> list[Seen]:
    """Those that this member may order now, affordable or not.  Raises: MemberNotFound."""
    row = member_row(connection, programme_id, member_id)
    plan, scene = seen_by(connection, plans, row, now)
    left = store.left_of_all(connection, programme_id)
    mine = store.counts_of(connection, members.known_as(connection, row["id"]))
    found = accounts.balances(connection, [row["id"]], now)
    available = {balance.currency: balance.available for _, balance in found}
    seen = []
    for one in open_rewards(plan.rules.reward_catalogue, scene):
        shown = _on_shelf(one, plan.rules, left)
        missing = max(0, one.price_points - available.get(shown.currency, 0))
        seen.append(Seen(shown, mine.get(fold(one.code), 0), missing))
    return seen


def change_stock(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    code: str,
    *,
    left: int | None = None,
    add: int = 0,
    was: int | None = None,
    author: str,
    now: datetime,
) -> OnShelf:
    """Say how many pieces are `left`, or that so many came (or went, below zero).

    `was`: what the caller saw left; where that is no longer so nothing changes, so the same said
    twice counts once.

    Raises: ProgrammeNotFound, RewardNotFound, InvalidInput (more go than are left; it is not as
    it was; no stock is kept of it).
    """
    rules = _rules(connection, plans, programme_id)
    item = reward_of(rules.reward_catalogue, code)
    if item is None:
        raise RewardNotFound
    if item.unlimited:
        raise InvalidInput({"": ["No stock is kept of this reward."]})
    stock = store.lock_stock(connection, programme_id, fold(code))
    if was is not None and was != stock.left:
        raise InvalidInput({"was": ["Has changed meanwhile."]})
    now_left = stock.left + add if left is None else left
    if now_left < 0:
        raise InvalidInput({"add": ["Takes more than is left."]})
    if now_left > MOST_PIECES:
        raise InvalidInput({"add": ["Too large."]})
    changed = Stock(stock.taken + now_left, stock.taken)
    store.set_stock(connection, programme_id, fold(code), changed)
    audit.note(
        connection,
        programme_id,
        "stock_changed",
        item.code,
        author=author,
        now=now,
        before={"left": stock.left},
        after={"left": now_left},
    )
    return _on_shelf(item, rules, {fold(code): now_left})


def list_orders(
    connection: Connection,
    programme_id: int,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """The programme's orders, the newest first, without the codes that members show.

    Raises: InvalidInput (cursor).
    """
    found = store.orders_page(
        connection, programme_id, state=state, before=_before(cursor), limit=limit + 1
    )
    return _page([order_view(one) for one in found], limit)


def member_orders(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    member_id: str,
    *,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """The member's orders, the newest first, with their codes.

    Raises: MemberNotFound, InvalidInput (cursor).
    """
    number = member_row(connection, programme_id, member_id)["id"]
    found = store.orders_page(
        connection,
        programme_id,
        member_ids=members.known_as(connection, number),
        state=state,
        before=_before(cursor),
        limit=limit + 1,
    )
    return _page([order_view(one, code=True) for one in found], limit)


def order_view(order: KeptOrder, *, code: bool = False) -> dict[str, Any]:
    """An order, wire-ready; `code`: with what the member shows to have it handed out."""
    return {
        "id": to_wire("ro", order.id),
        "reward": order.reward,
        "name": order.name,
        "member": to_wire("m", order.member_id),
        "state": order.state,
        "code": told_code(order.code) if code else None,
        "points": format_decimal(order.points),
        "currency": order.currency,
        "partner": order.partner,
        "created_at": order.created_at.isoformat(),
        "ended_at": None if order.ended_at is None else order.ended_at.isoformat(),
    }


def _rules(connection: Connection, plans: PlanCache, programme_id: int) -> RuleSet:
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    return plans.get(connection, programme_id, programme.rules_version).rules


def _on_shelf(item: RewardItem, rules: RuleSet, left: dict[str, int]) -> OnShelf:
    pieces = None if item.unlimited else left.get(fold(item.code), 0)
    return OnShelf(item, item.currency or rules.main.code, pieces)


def _before(cursor: str | None) -> int | None:
    before = None if cursor is None else from_wire("ro", cursor)
    if cursor is not None and before is None:
        raise InvalidInput({"cursor": ["Not a cursor of this list."]})
    return before


def _page(views: list[dict[str, Any]], limit: int) -> Page:
    more = len(views) > limit
    return Page(views[:limit], views[limit - 1]["id"] if more else None)
