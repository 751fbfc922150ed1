"""Which shop is to be told of which member's balance: one row for each pair, however often the
balance changes before it is told.

Whoever holds an installation's lease (`installations.claim_duty`) tells its rows; the figures are
read when they are told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, literal, select, update

from loyalty_core.store.database import insert_or
from loyalty_core.store.installations import InstallationRow, change, source_of
from loyalty_core.store.sets import among
from loyalty_core.store.slices import between, last_of
from loyalty_core.store.tables import balance_pushes, identities, installations
from loyalty_core.store.types import UtcTime

SLICE = 2000
"""So many names of members are gone through at once, under the lock of the installation."""


@dataclass(frozen=True, slots=True)
class BalancePush:
    """`asked`: how often it was asked for by the time of reading; `told`: a mark of what was
    told last, at `told_at`."""

    installation_id: int
    member_id: int
    asked: int
    attempts: int
    told: str | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """`waiting` are to be told, `failed` could not be told for good."""

    waiting: int = 0
    failed: int = 0
    told_at: datetime | None = None


_COLUMNS = [balance_pushes.c[name] for name in BalancePush.__dataclass_fields__]
_EXTERNAL = identities.c.kind == "external"
_OF_MEMBERS = (
    select(identities.c.system, identities.c.member_id)
    .where(_EXTERNAL, among(identities.c.member_id, "ids"), among(identities.c.system, "systems"))
    .distinct()
)


def ask(
    connection: Connection, homes: Collection[int], members: Collection[int], *, now: datetime
) -> None:
    """Have these installations told of those of the members whom they know by a name of their own.

    One that waits out a pause goes on waiting; one that shows no balances by now is not asked.
    """
    known = {source_of(home): home for home in _hold(connection, homes)}
    found = connection.execute(_OF_MEMBERS, {"ids": members, "systems": list(known)})
    pairs = sorted((known[system], member) for system, member in found)
    if not pairs:
        return
    insert = insert_or(connection, balance_pushes).values(
        [{"installation_id": home, "member_id": member, "due_at": now} for home, member in pairs]
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["installation_id", "member_id"],
            set_={
                "asked": balance_pushes.c.asked + 1,
                "due_at": func.coalesce(balance_pushes.c.due_at, literal(now, UtcTime())),
            },
        )
    )
    _wake(connection, {home for home, _ in pairs}, now)


def ask_all(connection: Connection, home: int, *, now: datetime) -> None:
    """Have an installation told of everybody whom it knows, if it shows balances: of some at once,
    of those behind them by `go_on`."""
    if _hold(connection, {home}):
        _ask_some(connection, home, "", now)
        _wake(connection, {home}, now)


def stop(connection: Connection, home: int, *, now: datetime) -> None:
    """This installation, which is locked, shows balances no more: nobody is told, and nothing is
    kept of whom it was told.  Some of that goes at once, the rest by `go_on`."""
    more = _forget_some(connection, home)
    change(connection, home, shows_balances=False, balances_due_at=now if more else None)


def go_on(connection: Connection, row: InstallationRow, *, now: datetime) -> bool:
    """One slice more of `ask_all` or `stop`, of an installation that is locked; whether there was
    one.

    A slice, since whoever wants the lock of a connection waits for all of it.
    """
    if row.balance_walk is None:
        return False
    if row.shows_balances:
        _ask_some(connection, row.id, row.balance_walk, now)
    else:
        _forget_some(connection, row.id)
    return True


def _ask_some(connection: Connection, home: int, after: str, now: datetime) -> None:
    """In the order of the names by which the shop knows them."""
    here = select(installations.c.programme_id).where(installations.c.id == home)
    own = and_(
        identities.c.programme_id == here.scalar_subquery(),
        _EXTERNAL,
        identities.c.system == source_of(home),
    )
    last: str | None = last_of(connection, identities.c.value, own, after, SLICE)
    some = (
        select(literal(home), identities.c.member_id, literal(now, UtcTime()))
        .where(own, *between(identities.c.value, after, last))
        .distinct()
    )
    insert = insert_or(connection, balance_pushes).from_select(
        ["installation_id", "member_id", "due_at"], some
    )
    changed = {"asked": balance_pushes.c.asked + 1, "due_at": now, "attempts": 0, "told": None}
    connection.execute(
        insert.on_conflict_do_update(index_elements=["installation_id", "member_id"], set_=changed)
    )
    change(connection, home, balance_walk=last)


def _forget_some(connection: Connection, home: int) -> bool:
    """Whether there are more."""
    own = balance_pushes.c.installation_id == home
    last: int | None = last_of(connection, balance_pushes.c.member_id, own, 0, SLICE)
    connection.execute(
        delete(balance_pushes).where(own, *between(balance_pushes.c.member_id, 0, last))
    )
    change(connection, home, balance_walk=None if last is None else "")
    return last is not None


def _hold(connection: Connection, homes: Collection[int]) -> list[int]:
    """Those that show balances, locked before their rows are: whoever ends a turn or switches
    one off either sees the new rows or is waited for."""
    query = (
        select(installations.c.id)
        .where(installations.c.id.in_(homes), installations.c.shows_balances)
        .order_by(installations.c.id)
        .with_for_update()
    )
    return list(connection.scalars(query))


def _wake(connection: Connection, homes: Collection[int], now: datetime) -> None:
    connection.execute(
        update(installations)
        .where(installations.c.id.in_(homes), installations.c.balances_due_at.is_(None))
        .values(balances_due_at=now)
    )


def due(connection: Connection, home: int, *, now: datetime, limit: int) -> list[BalancePush]:
    """The longest due first."""
    query = (
        select(*_COLUMNS)
        .where(balance_pushes.c.installation_id == home, balance_pushes.c.due_at <= now)
        .order_by(balance_pushes.c.due_at)
        .limit(limit)
    )
    return [BalancePush(*row) for row in connection.execute(query)]


def next_due_at(connection: Connection, home: int) -> datetime | None:
    soonest: datetime | None = connection.scalar(
        select(func.min(balance_pushes.c.due_at)).where(balance_pushes.c.installation_id == home)
    )
    return soonest


def settle_told(connection: Connection, push: BalancePush, told: str, *, now: datetime) -> None:
    """It was told; what changed since it was read is due at once."""
    _settle(
        connection,
        push,
        now,
        {"told": told, "told_at": now, "attempts": 0, "error_code": None, "error_text": None},
    )


def settle_failed(
    connection: Connection, push: BalancePush, code: str, text: str, *, now: datetime
) -> None:
    """It cannot be told; the member's next change is a new try."""
    values = {"told": None, "attempts": 0, "error_code": code, "error_text": text}
    _settle(connection, push, now, values)


def _settle(
    connection: Connection, push: BalancePush, now: datetime, values: dict[str, Any]
) -> None:
    at_once = literal(now, UtcTime())
    connection.execute(
        update(balance_pushes)
        .where(_is(push))
        .values(due_at=case((balance_pushes.c.asked == push.asked, None), else_=at_once), **values)
    )


def put_off(  # noqa: PLR0913 - what became of it, each by keyword
    connection: Connection,
    push: BalancePush,
    *,
    due_at: datetime,
    code: str | None,
    text: str | None,
    attempt_counts: bool,
) -> None:
    connection.execute(
        update(balance_pushes)
        .where(_is(push))
        .values(
            due_at=due_at,
            attempts=push.attempts + attempt_counts,
            told=None,
            error_code=code,
            error_text=text,
        )
    )


def drop(connection: Connection, push: BalancePush) -> None:
    """Nobody is there to be told of; one that was asked for since then stays."""
    connection.execute(
        delete(balance_pushes).where(_is(push), balance_pushes.c.asked == push.asked)
    )


def forget_members(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(balance_pushes).where(balance_pushes.c.member_id.in_(ids)))


def told_of(connection: Connection, ids: Sequence[int]) -> list[tuple[int, datetime]]:
    """Which installations were told of these members, and when last."""
    query = (
        select(balance_pushes.c.installation_id, balance_pushes.c.told_at)
        .where(balance_pushes.c.member_id.in_(ids), balance_pushes.c.told_at.is_not(None))
        .order_by(balance_pushes.c.installation_id)
    )
    return [(home, at) for home, at in connection.execute(query)]


def counts(connection: Connection, home: int) -> Counts:
    its_own = balance_pushes.c.installation_id == home
    waiting, failed, told_at = connection.execute(
        select(
            func.count(balance_pushes.c.due_at),
            func.count(
                case((balance_pushes.c.due_at.is_(None), balance_pushes.c.error_code), else_=None)
            ),
            func.max(balance_pushes.c.told_at),
        ).where(its_own)
    ).one()
    return Counts(waiting, failed, told_at)


def errors(connection: Connection, home: int) -> dict[str, int]:
    """How many members it is not told of, by the code of what is wrong."""
    rows = connection.execute(
        select(balance_pushes.c.error_code, func.count())
        .where(balance_pushes.c.installation_id == home, balance_pushes.c.error_code.is_not(None))
        .group_by(balance_pushes.c.error_code)
    )
    return dict(rows.all())


def _is(push: BalancePush) -> Any:
    return (balance_pushes.c.installation_id == push.installation_id) & (
        balance_pushes.c.member_id == push.member_id
    )
