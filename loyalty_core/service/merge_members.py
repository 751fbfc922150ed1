"""Two records of one person become one (`ledger.md` 12)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from loyalty_core.domain.errors import InvalidInput, MemberNotFound
from loyalty_core.domain.points import Cause
from loyalty_core.domain.tiers import Ladder
from loyalty_core.service.clubs import move_clubs
from loyalty_core.service.consents import merge_consents
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.members import MemberCard, get_member, member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.service.standing import Standings
from loyalty_core.service.write_letters import merge_letters
from loyalty_core.store import (
    audit,
    balance_pushes,
    cards,
    certificates,
    club_events,
    confirmations,
    coupon_pushes,
    coupons,
    happenings,
    ledger,
    members,
    notes,
    outbox,
    personal,
    programmes,
    promotion_uses,
    receipt_claims,
    rewards,
    sent_messages,
)
from loyalty_core.store import holds as hold_store
from loyalty_core.store.ids import to_wire
from loyalty_core.store.outbox import Notice


def merge_members(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    *,
    into: str,
    from_: str,
    author: str,
    now: datetime,
) -> MemberCard:
    """Lots with their dates, debt, live holds and uses of limits of `from_` move to `into`.

    `from_` becomes an alias; later refunds of its purchases book on the survivor.

    Raises: MemberNotFound, InvalidInput (a member into itself).
    """
    wanted = member_row(connection, programme_id, into)["id"]
    other = member_row(connection, programme_id, from_)["id"]
    found = members.lock_survivors(connection, programme_id, [wanted, other])
    survivor, leaving = found[wanted], found[other]
    if survivor is None or leaving is None:
        raise MemberNotFound
    if survivor == leaving:
        raise InvalidInput({"from": ["Is the same member."]})
    programme = programmes.programme_by_id(connection, programme_id)
    assert programme is not None
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    ladder = Ladder.of(rules, ZoneInfo(programme.timezone))
    _move_standing(connection, ladder, programme_id, (survivor, leaving), now)
    promotion_uses.move_member(connection, programme_id, leaving, survivor)
    coupons.move_member(connection, programme_id, leaving, survivor)
    certificates.move_member(connection, programme_id, leaving, survivor)
    _move_points(connection, programme_id, survivor, leaving, author, now)
    rewards.move_choices(connection, leaving, survivor)
    personal.move_goods(connection, leaving, survivor)
    move_clubs(connection, leaving, survivor)
    club_events.move_guest(connection, programme_id, leaving, survivor)
    happenings.move_products(connection, leaving, survivor)
    receipt_claims.move_member(connection, leaving, survivor)
    cards.move_cards(connection, leaving, survivor, now)
    members.move_names(connection, leaving, survivor)
    coupon_pushes.ask_of_members(connection, programme_id, [survivor])
    confirmations.move_member(connection, leaving, survivor)
    merge_consents(connection, leaving, survivor)
    if member_row(connection, programme_id, to_wire("m", leaving))["state"] == "active":
        members.confirm(connection, survivor)
    merge_letters(connection, leaving, survivor, now=now)
    balance_pushes.forget_members(connection, [leaving])
    _announce(connection, programme_id, survivor, leaving, now)
    sent_messages.move_member(connection, leaving, survivor)
    notes.move_member(connection, leaving, survivor)
    members.repoint_aliases(connection, leaving, survivor)
    members.change_member(connection, leaving, {"state": "merged", "merged_into": survivor})
    audit.note(
        connection,
        programme_id,
        "members_merged",
        to_wire("m", survivor),
        author=author,
        now=now,
        after={"from": to_wire("m", leaving)},
    )
    return get_member(connection, plans, programme_id, to_wire("m", survivor), now=now)


def _announce(
    connection: Connection, programme_id: int, survivor: int, leaving: int, now: datetime
) -> None:
    """The shops that knew `leaving` know the survivor now, whether or not points have moved."""
    member = to_wire("m", survivor)
    notice = Notice(
        programme_id,
        outbox.BALANCE_CHANGED,
        f"{member}:merge:{to_wire('m', leaving)}",
        {"member": member},
    )
    outbox.announce(connection, [notice], now=now)


def _move_points(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    programme_id: int,
    survivor: int,
    leaving: int,
    author: str,
    now: datetime,
) -> None:
    currencies = ledger.currencies_of(connection, [survivor, leaving])
    keys = [(member, code) for member in (survivor, leaving) for code in currencies]
    books = ledger.open_books(connection, keys, whole=True)
    for book in books.values():
        book.settle(now)
    twins: dict[str, dict[int, int]] = {}
    for code in currencies:
        cause = Cause(
            f"merge:{leaving}:{survivor}",
            now,
            now,
            None,
            {"by": author, "from": to_wire("m", leaving), "into": to_wire("m", survivor)},
        )
        twins[code] = books[(leaving, code)].move_into(books[(survivor, code)], cause)
        books[(survivor, code)].settle(now)
        announce_balances(connection, programme_id, [books[(survivor, code)]], now)
    ledger.write_books(connection, books.values())
    for hold in hold_store.live_holds_of(connection, leaving):
        own = twins[hold.currency]
        hold.lots = tuple((own[no], size) for no, size in hold.lots)
        hold_store.move_hold(connection, hold, survivor)
    hold_store.move_ended_holds(connection, leaving, survivor)


def _move_standing(
    connection: Connection, ladder: Ladder, programme_id: int, pair: tuple[int, int], now: datetime
) -> None:
    survivor, leaving = pair
    standings = Standings(connection, programme_id, sorted(pair), ladder, now)
    standings.take_over(survivor, leaving)
    standings.write()
