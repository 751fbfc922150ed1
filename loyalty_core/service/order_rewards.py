"""Rewards ordered for points, handed out by a code, or cancelled.

An order stands in the ledger where a purchase stands: what it took is found again by its number,
and so a cancelled one gives points back to the lots that they came from (`ledger.md` 11).

Locks: the member, the order, the stock, the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.coupon_codes import draw, normal
from loyalty_core.domain.errors import (
    KeyReused,
    NoneLeft,
    OrderCancelled,
    OrderHandedOut,
    OrderNotFound,
    RewardLimit,
    RewardNotFound,
)
from loyalty_core.domain.points import Cause, Kind, Terms
from loyalty_core.domain.pricing.goods import fold
from loyalty_core.domain.pricing.plan import Plan
from loyalty_core.domain.returns import give_back
from loyalty_core.domain.reward_catalogue import RewardItem, open_rewards, reward_of
from loyalty_core.service.booking import terms_of
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.member_offers import seen_by
from loyalty_core.service.members import lock_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import accounts, audit, ledger, members, programmes
from loyalty_core.store import reward_orders as store
from loyalty_core.store.ids import from_wire, new_id, to_wire
from loyalty_core.store.ledger import Needs
from loyalty_core.store.reward_orders import KeptOrder, Stock
from loyalty_kit.checkout import Balance


@dataclass(frozen=True, slots=True)
class Wish:
    """`key` names the order: the same key again is the same order, and costs nothing more."""

    reward: str
    key: str
    author: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order as it stands, and what its member has of its currency now."""

    order: KeptOrder
    balance: Balance


def order_reward(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    wanted: Wish,
    *,
    now: datetime,
) -> Ordered:
    """Take a reward's price from the member, and a piece of its stock.

    Raises: MemberNotFound, RewardNotFound (also one that is not for this member now),
    RewardLimit, NoneLeft, NotEnoughPoints, KeyReused.
    """
    member = lock_member(connection, programme_id, member_id)
    ids = members.known_as(connection, member)
    known = store.order_by_key(connection, programme_id, wanted.key)
    if known is not None:
        if known.member_id not in ids or known.reward != fold(wanted.reward):
            raise KeyReused
        return _told(connection, known, member, now)
    row = member_row(connection, programme_id, member_id)
    plan, scene = seen_by(connection, plans, row, now)
    item = reward_of(open_rewards(plan.rules.reward_catalogue, scene), wanted.reward)
    if item is None:
        raise RewardNotFound
    _check_limit(connection, item, ids)
    if not item.unlimited:
        _take_piece(connection, programme_id, fold(item.code))
    order = _fresh(programme_id, member, item, plan, wanted.key, now)
    account = (member, order.currency)
    book = ledger.open_books(connection, [account])[account]
    book.settle(now)
    book.withdraw(order.points, _cause(order, "spend", wanted.author, now), Kind.SPEND)
    book.settle(now)
    store.add_order(connection, order)
    ledger.write_books(connection, [book])
    announce_balances(connection, programme_id, [book], now)
    return _told(connection, order, member, now)


def cancel_order(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    order_id: str,
    *,
    author: str,
    now: datetime,
) -> Ordered:
    """Give its points and its piece back; an order that is cancelled already stays as it is.

    Raises: OrderNotFound, OrderHandedOut.
    """
    found = find_order(connection, programme_id, order_id)
    member = members.lock_survivors(connection, programme_id, [found.member_id])[found.member_id]
    order = store.order_by_id(connection, programme_id, found.id, lock=True)
    assert order is not None
    if member is None:
        raise OrderNotFound
    if order.state == store.HANDED_OUT:
        raise OrderHandedOut
    if order.state == store.ORDERED:
        programme = programmes.programme_by_id(connection, programme_id)
        assert programme is not None
        plan = plans.get(connection, programme_id, programme.rules_version)
        terms = terms_of(plan, now, ZoneInfo(programme.timezone))
        order, book = take_back(connection, order, member, terms, author=author, now=now)
        announce_balances(connection, programme_id, [book], now)
        _note(connection, "reward_cancelled", order, author, now)
    return _told(connection, order, member, now)


def hand_out_order(
    connection: Connection, programme_id: int, code: str, *, author: str, now: datetime
) -> KeptOrder:
    """The member showed this code and has the reward: once.

    Raises: OrderNotFound, OrderHandedOut, OrderCancelled.
    """
    order = store.lock_order_by_code(connection, programme_id, normal(code))
    if order is None:
        raise OrderNotFound
    if order.state == store.HANDED_OUT:
        raise OrderHandedOut
    if order.state == store.CANCELLED:
        raise OrderCancelled
    done = _ended(connection, order, store.HANDED_OUT, author, now)
    _note(connection, "reward_handed_out", done, author, now)
    return done


def cancel_orders_of_erased(
    connection: Connection, member: int, ids: Sequence[int], *, author: str, now: datetime
) -> int:
    """Nobody is left to hand them out to: open orders of a member (`ids`: with who was merged
    into it) end, and their points stand in the account that has no name any more; how many."""
    terms = Terms(most_debt=0, grace_until=None)
    orders = store.open_orders_of(connection, ids)
    for order in orders:
        take_back(connection, order, member, terms, author=author, now=now)
    return len(orders)


def take_back(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    order: KeptOrder,
    member: int,
    terms: Terms,
    *,
    author: str,
    now: datetime,
) -> tuple[KeptOrder, AccountBook]:
    """Cancel an order (locked, as is its member) and book what comes back to `member`."""
    if order.counted:
        stock = store.lock_stock(connection, order.programme_id, order.reward)
        less = Stock(stock.put, stock.taken - 1)
        store.set_stock(connection, order.programme_id, order.reward, less)
    account = (member, order.currency)
    needs = Needs(frozenset([order.id]), None, members.aliases_of(connection, [member]))
    book = ledger.open_books(connection, [account], needs)[account]
    book.settle(now)
    give_back(book, order.points, _cause(order, "give_back", author, now), terms)
    book.settle(now)
    ledger.write_books(connection, [book])
    return _ended(connection, order, store.CANCELLED, author, now), book


def find_order(connection: Connection, programme_id: int, order_id: str) -> KeptOrder:
    """Raises: OrderNotFound."""
    number = from_wire("ro", order_id)
    order = None if number is None else store.order_by_id(connection, programme_id, number)
    if order is None:
        raise OrderNotFound
    return order


# --- inside -----------------------------------------------------------------------------------


def _check_limit(connection: Connection, item: RewardItem, ids: Sequence[int]) -> None:
    if item.per_member is None:
        return
    if store.counts_of(connection, ids).get(fold(item.code), 0) >= item.per_member:
        raise RewardLimit({"most": str(item.per_member)})


def _take_piece(connection: Connection, programme_id: int, reward: str) -> None:
    stock = store.lock_stock(connection, programme_id, reward)
    if stock.left <= 0:
        raise NoneLeft
    store.set_stock(connection, programme_id, reward, Stock(stock.put, stock.taken + 1))


def _fresh(  # noqa: PLR0913 - each is a word of its own
    programme_id: int, member: int, item: RewardItem, plan: Plan, key: str, now: datetime
) -> KeptOrder:
    return KeptOrder(
        new_id(now),
        programme_id,
        member,
        key,
        fold(item.code),
        item.name,
        item.currency or plan.main.code,
        item.price_points,
        not item.unlimited,
        None if item.partner is None else fold(item.partner),
        item.compensation_minor,
        draw(),
        store.ORDERED,
        now,
    )


def _cause(order: KeptOrder, what: str, author: str, now: datetime) -> Cause:
    facts = {
        "reason": "reward",
        "order": to_wire("ro", order.id),
        "reward": order.reward,
        "by": author,
    }
    return Cause(f"reward/{order.key}:{what}", now, now, order.id, facts)


def _ended(
    connection: Connection, order: KeptOrder, state: str, author: str, now: datetime
) -> KeptOrder:
    ended = replace(order, state=state, ended_at=now, ended_by=author)
    store.end_order(connection, ended)
    return ended


def _note(
    connection: Connection, action: str, order: KeptOrder, author: str, now: datetime
) -> None:
    subject = to_wire("ro", order.id)
    after = {"reward": order.reward}
    audit.note(connection, order.programme_id, action, subject, author=author, now=now, after=after)


def _told(connection: Connection, order: KeptOrder, member: int, now: datetime) -> Ordered:
    found = [one for _, one in accounts.balances(connection, [member], now)]
    own = next((one for one in found if one.currency == order.currency), Balance(order.currency))
    return Ordered(order, own)
