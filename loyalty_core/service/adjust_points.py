"""A person moves points by hand, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping

from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.errors import InvalidInput, KeyReused, MemberNotFound, ProgrammeNotFound
from loyalty_core.domain.points import Cause, Kind
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.members import member_row
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import accounts, audit, ledger, members, programmes
from loyalty_core.store.ids import to_wire
from loyalty_kit.money import format_decimal


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points (hundredths) to give, or to take if negative.

    `currency` None: the main one.  `key` names the adjustment: the same key again moves
    nothing.
    """

    points: int
    reason: str
    key: str
    author: str
    currency: str | None = None


def adjust_points(  # noqa: PLR0913 - each is a word of its own to the caller
    connection: Connection,
    plans: PlanCache,
    programme_id: int,
    member_id: str,
    wanted: Adjustment,
    *,
    now: datetime,
    check: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """The entry that was booked, and the balance after it, wire-ready.

    Points given live as long as earned ones.  `check` is asked before something is booked, and
    not where the same key has booked it already.

    Raises: MemberNotFound, InvalidInput (zero, currency), NotEnoughPoints, KeyReused, and what
    `check` raises.
    """
    programme = programmes.programme_by_id(connection, programme_id)
    if programme is None:
        raise ProgrammeNotFound
    if not wanted.points:
        raise InvalidInput({"amount": ["Must not be zero."]})
    rules = plans.get(connection, programme_id, programme.rules_version).rules
    code = wanted.currency or rules.main.code
    currency = next((one for one in rules.currencies if one.code == code), None)
    if currency is None:
        raise InvalidInput({"currency": ["Not a currency of points of this programme."]})
    number = member_row(connection, programme_id, member_id)["id"]
    member = members.lock_survivors(connection, programme_id, [number])[number]
    if member is None:
        raise MemberNotFound
    account = (member, code)
    book = ledger.open_books(connection, [account])[account]
    entry_key = f"adjust/{wanted.key}"
    booked_as = ((one, code) for one in members.known_as(connection, member))
    found = (ledger.find_entry(connection, one, entry_key) for one in booked_as)
    known = next((one for one in found if one is not None), None)
    if known is not None:
        return _again(connection, known, wanted, member, now)
    if check is not None:
        check()
    book.settle(now)
    facts = {"reason": wanted.reason, "by": wanted.author}
    cause = Cause(entry_key, now, now, None, facts)
    if wanted.points > 0:
        zone = ZoneInfo(programme.timezone)
        ends = end_of_life(now, currency.life_days, zone)
        book.earn(wanted.points, cause, spendable_from=now, expires_at=ends, kind=Kind.ADJUST)
    else:
        book.withdraw(-wanted.points, cause)
    book.settle(now)
    ledger.write_books(connection, [book])
    announce_balances(connection, programme_id, [book], now)
    booked = ledger.find_entry(connection, account, entry_key)
    assert booked is not None
    told = entry_told(connection, booked, now)
    audit.note(
        connection,
        programme_id,
        "points_moved",
        to_wire("m", member),
        author=wanted.author,
        now=now,
        after={
            "points": format_decimal(wanted.points),
            "currency": code,
            "entry": told["entry"],
        },
    )
    return told


def _again(
    connection: Connection, known: RowMapping, wanted: Adjustment, member: int, now: datetime
) -> dict[str, Any]:
    signed = known["amount"] if known["d_available"] - known["d_debt"] >= 0 else -known["amount"]
    if (signed, known["cause"]["reason"]) != (wanted.points, wanted.reason):
        raise KeyReused
    return entry_told(connection, known, now, owner=member)


def entry_told(
    connection: Connection, entry: Mapping[Any, Any], now: datetime, *, owner: int | None = None
) -> dict[str, Any]:
    """An entry that was booked, and the balance after it, wire-ready; `owner`: whose balance,
    where that is another member by now."""
    member, currency = entry["member_id"], entry["currency"]
    held_by = [member if owner is None else owner]
    found = {
        balance.currency: balance for _, balance in accounts.balances(connection, held_by, now)
    }[currency]
    return {
        "entry": f"{to_wire('m', member)}:{currency}:{entry['seq']}",
        "currency": currency,
        "balance": {
            "available": format_decimal(found.available),
            "pending": format_decimal(found.pending),
            "held": format_decimal(found.held),
            "debt": format_decimal(found.debt),
        },
    }
