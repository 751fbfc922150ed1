"""The laws of the ledger as queries that find whoever breaks them, and the replay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    tuple_,
    update,
)

from loyalty_core.domain.points import Kind
from loyalty_core.store.ledger import AccountKey
from loyalty_core.store.tables import accounts, entries, entry_lots, holds, lots, members

Broken = tuple[int, str, str]
"""Member, currency, and what was found."""

_FIGURES = ("available", "pending", "held", "debt")


def count_accounts(connection: Connection, programme_id: int | None) -> int:
    query = select(func.count()).select_from(accounts)
    count: int = connection.execute(_within(query, programme_id)).scalar_one()
    return count


def account_pages(
    connection: Connection, programme_id: int | None, size: int
) -> Iterator[list[AccountKey]]:
    """All accounts in the order of their keys, some at a time."""
    last: AccountKey | None = None
    place = tuple_(accounts.c.member_id, accounts.c.currency)
    while True:
        query = _within(select(accounts.c.member_id, accounts.c.currency), programme_id)
        if last is not None:
            query = query.where(place > last)
        query = query.order_by(accounts.c.member_id, accounts.c.currency).limit(size)
        page = [(member, currency) for member, currency in connection.execute(query)]
        if not page:
            return
        yield page
        last = page[-1]


def _within(query: Select[Any], programme_id: int | None) -> Select[Any]:
    if programme_id is None:
        return query
    return query.join(members, members.c.id == accounts.c.member_id).where(
        members.c.programme_id == programme_id
    )


# --- laws -----------------------------------------------------------------------------------


def figures_differ_from_entries(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    sums = (
        select(
            entries.c.member_id,
            entries.c.currency,
            *(func.sum(entries.c[f"d_{name}"]).label(name) for name in _FIGURES),
        )
        .where(_in(entries, page))
        .group_by(entries.c.member_id, entries.c.currency)
        .subquery()
    )
    return _differing(connection, page, sums, _FIGURES)


def figures_differ_from_lots(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    free = lots.c.free
    sums = (
        select(
            lots.c.member_id,
            lots.c.currency,
            func.sum(case((lots.c.active, free), else_=0)).label("available"),
            func.sum(case((lots.c.active, 0), else_=free)).label("pending"),
            func.sum(lots.c.held).label("held"),
            func.sum(lots.c.owed).label("debt"),
        )
        .where(_in(lots, page))
        .group_by(lots.c.member_id, lots.c.currency)
        .subquery()
    )
    return _differing(connection, page, sums, _FIGURES)


def held_without_hold(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    sums = (
        select(holds.c.member_id, holds.c.currency, func.sum(holds.c.points).label("held"))
        .where(_in(holds, page), holds.c.state == "live")
        .group_by(holds.c.member_id, holds.c.currency)
        .subquery()
    )
    return _differing(connection, page, sums, ("held",))


def lot_differs_from_rows(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    counts = ("free", "held", "expired", "owed")
    sums = (
        select(
            entry_lots.c.member_id,
            entry_lots.c.currency,
            entry_lots.c.lot,
            *(func.sum(entry_lots.c[f"d_{name}"]).label(name) for name in counts),
        )
        .where(_in(entry_lots, page))
        .group_by(entry_lots.c.member_id, entry_lots.c.currency, entry_lots.c.lot)
        .subquery()
    )
    same = and_(
        sums.c.member_id == lots.c.member_id,
        sums.c.currency == lots.c.currency,
        sums.c.lot == lots.c.no,
    )
    differs = or_(*(lots.c[name] != func.coalesce(sums.c[name], 0) for name in counts))
    found = connection.execute(
        select(lots.c.member_id, lots.c.currency, lots.c.no)
        .select_from(lots.outerjoin(sums, same))
        .where(_in(lots, page), differs)
    )
    return [(member, currency, f"lot {no}") for member, currency, no in found]


def entry_differs_from_rows(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    sums = (
        select(
            entry_lots.c.member_id,
            entry_lots.c.currency,
            entry_lots.c.seq,
            func.sum(entry_lots.c.d_free).label("free"),
            func.sum(entry_lots.c.d_held).label("held"),
            func.sum(entry_lots.c.d_owed).label("owed"),
        )
        .where(_in(entry_lots, page))
        .group_by(entry_lots.c.member_id, entry_lots.c.currency, entry_lots.c.seq)
        .subquery()
    )
    same = and_(
        sums.c.member_id == entries.c.member_id,
        sums.c.currency == entries.c.currency,
        sums.c.seq == entries.c.seq,
    )
    differs = or_(
        entries.c.d_available + entries.c.d_pending != func.coalesce(sums.c.free, 0),
        entries.c.d_held != func.coalesce(sums.c.held, 0),
        entries.c.d_debt != func.coalesce(sums.c.owed, 0),
    )
    found = connection.execute(
        select(entries.c.member_id, entries.c.currency, entries.c.seq)
        .select_from(entries.outerjoin(sums, same))
        .where(_in(entries, page), differs)
    )
    return [(member, currency, f"entry {seq}") for member, currency, seq in found]


def entries_missing(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    sums = (
        select(
            entries.c.member_id,
            entries.c.currency,
            func.count().label("entries"),
            func.max(entries.c.seq).label("last"),
        )
        .where(_in(entries, page))
        .group_by(entries.c.member_id, entries.c.currency)
        .subquery()
    )
    gap = select(sums.c.member_id, sums.c.currency, sums.c.entries).where(
        sums.c.entries != sums.c.last
    )
    broken = [(m, c, f"{n} entries") for m, c, n in connection.execute(gap)]
    return broken + _differing(connection, page, sums, ("entries",))


def debt_beside_points(connection: Connection, page: Sequence[AccountKey]) -> list[Broken]:
    found = connection.execute(
        select(accounts.c.member_id, accounts.c.currency).where(
            _in(accounts, page), accounts.c.debt > 0, accounts.c.available > 0
        )
    )
    return [(member, currency, "available beside debt") for member, currency in found]


CHECKS: dict[str, Callable[[Connection, Sequence[AccountKey]], list[Broken]]] = {
    check.__name__: check
    for check in (
        figures_differ_from_entries,
        figures_differ_from_lots,
        lot_differs_from_rows,
        entry_differs_from_rows,
        entries_missing,
        held_without_hold,
        debt_beside_points,
    )
}


def _in(table: Any, page: Sequence[AccountKey]) -> ColumnElement[bool]:
    """The rows of a page: pages are runs of accounts in the order of their keys."""
    place = tuple_(table.c.member_id, table.c.currency)
    return and_(place >= page[0], place <= page[-1])


def _differing(
    connection: Connection, page: Sequence[AccountKey], sums: Any, names: Sequence[str]
) -> list[Broken]:
    same = and_(sums.c.member_id == accounts.c.member_id, sums.c.currency == accounts.c.currency)
    differs = or_(*(accounts.c[name] != func.coalesce(sums.c[name], 0) for name in names))
    found = connection.execute(
        select(accounts, *(func.coalesce(sums.c[name], 0).label(f"sum_{name}") for name in names))
        .select_from(accounts.outerjoin(sums, same))
        .where(_in(accounts, page), differs)
    ).mappings()
    return [
        (
            row["member_id"],
            row["currency"],
            ", ".join(
                f"{name} {row[name]} != {row[f'sum_{name}']}"
                for name in names
                if row[name] != row[f"sum_{name}"]
            ),
        )
        for row in found
    ]


# --- replay ---------------------------------------------------------------------------------


def rebuild_account(connection: Connection, key: AccountKey) -> bool:
    """Replay one account's rows into its lots and figures; whether anything changed."""
    member, currency = key
    account = (
        connection.execute(
            select(accounts)
            .where(accounts.c.member_id == member, accounts.c.currency == currency)
            .with_for_update()
        )
        .mappings()
        .one()
    )
    replay = _Replay(connection, key)
    changed = False
    for no, row, counts in replay.lots():
        if any(row[name] != value for name, value in counts.items()):
            changed = True
            connection.execute(
                update(lots)
                .where(lots.c.member_id == member, lots.c.currency == currency, lots.c.no == no)
                .values(**counts)
            )
    figures = replay.figures()
    if any(account[name] != value for name, value in figures.items()):
        changed = True
        connection.execute(
            update(accounts)
            .where(accounts.c.member_id == member, accounts.c.currency == currency)
            .values(**figures)
        )
    return changed


class _Replay:
    """What the rows of an account add up to, entry by entry."""

    def __init__(self, connection: Connection, key: AccountKey) -> None:
        one = [key]
        self._lots = {
            row["no"]: row
            for row in connection.execute(select(lots).where(_in(lots, one))).mappings()
        }
        booked = connection.execute(
            select(entries.c.seq, entries.c.kind, entries.c.booked_at).where(_in(entries, one))
        )
        self._entries = {row.seq: row for row in booked}
        self._counts = {no: {"free": 0, "held": 0, "expired": 0, "owed": 0} for no in self._lots}
        self._active: dict[int, bool] = {}
        rows = connection.execute(
            select(entry_lots)
            .where(_in(entry_lots, one))
            .order_by(entry_lots.c.seq, entry_lots.c.line)
        ).mappings()
        for row in rows:
            self._take(row)

    def _take(self, row: RowMapping) -> None:
        entry, no = self._entries[row["seq"]], row["lot"]
        born_active = self._lots[no]["spendable_from"] <= entry.booked_at
        active = self._active.setdefault(no, born_active)
        self._active[no] = active or entry.kind == Kind.ACTIVATE
        for name in self._counts[no]:
            self._counts[no][name] += row[f"d_{name}"]

    def lots(self) -> Iterator[tuple[int, RowMapping, dict[str, Any]]]:
        for no, counts in self._counts.items():
            active = self._active.get(no, self._lots[no]["active"])
            yield no, self._lots[no], {**counts, "active": active}

    def figures(self) -> dict[str, int]:
        free = {True: 0, False: 0}
        for no, counts in self._counts.items():
            free[self._active.get(no, True)] += counts["free"]
        return {
            "available": free[True],
            "pending": free[False],
            "held": sum(counts["held"] for counts in self._counts.values()),
            "debt": sum(counts["owed"] for counts in self._counts.values()),
            "entries": max(self._entries, default=0),
            "lots": max(self._lots, default=0),
        }
