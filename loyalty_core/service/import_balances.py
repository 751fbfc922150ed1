"""Balances of another system: each row a lot of its own, booked once whatever comes again.

The key of a row is made of the import's name and of what sets it apart from the member's other
rows: its dates, or the word in its column `row`.  It names no person, so it may stay when the
person is erased.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.import_cells import NEVER, Wrong, amount_of, moment_of, text_of
from loyalty_core.domain.points import Cause, Kind, Terms
from loyalty_core.domain.rules import PointCurrency
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.imports import Ground, Report, Row, ground_of
from loyalty_core.service.named_rows import FirstLines, Names, People, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import ledger, members
from loyalty_core.store.scratch import Scratch
from loyalty_kit.money import format_decimal

_ANY_DEBT = Terms(most_debt=None, grace_until=None)
_BY_RULE = "rule"


@dataclass(frozen=True, slots=True)
class _Balance:
    """A row that reads well.  `points` below zero are owed.  `life`: "rule": as long as points
    that are given today."""

    number: int
    names: Names
    points: int
    currency: PointCurrency
    spendable_from: datetime | None
    life: datetime | str | None
    row: str | None

    @property
    def tail(self) -> str:
        """What sets it apart from others of its member, in the entry's key."""
        if self.row is not None:
            return f"row:{blake2b(self.row.encode(), digest_size=3).hexdigest()}"
        life = self.life.isoformat() if isinstance(self.life, datetime) else self.life or "never"
        return f"{life}/{self.spendable_from.isoformat() if self.spendable_from else 'now'}"


@dataclass(frozen=True, slots=True)
class _Booking:
    """A balance with its member, and the points that are booked of it."""

    balance: _Balance
    member: int
    points: int


class BalancesImport:
    """One file of balances."""

    def __init__(  # noqa: PLR0913 - each is a word of its own to the caller
        self,
        plans: PlanCache,
        programme_id: int,
        name: str,
        scratch: Scratch,
        *,
        system: str | None,
        author: str,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._name = name
        self._first = FirstLines(scratch)
        self._system = system
        self._author = author
        self._ground: Ground

    def skim(self, connection: Connection, rows: Sequence[Row], *, now: datetime) -> None:
        self._ground = ground_of(connection, self._plans, self._programme_id)
        self._owned(connection, self._readable(rows, Report(), now), Report(), lock=False)

    def take(
        self, connection: Connection, rows: Sequence[Row], *, now: datetime, dry: bool
    ) -> Report:
        self._ground = ground_of(connection, self._plans, self._programme_id)
        report = Report()
        owned = self._owned(connection, self._readable(rows, report, now), report, lock=not dry)
        keys = sorted({(member, one.currency.code) for one, member in owned})
        books = {} if dry else ledger.open_books(connection, keys)
        bookings = self._unbooked(connection, owned, report)
        if not dry:
            self._book(connection, books, bookings, now)
        report.bad.sort(key=lambda bad: bad.number)
        return report

    # --- reading ----------------------------------------------------------------------------

    def _readable(self, rows: Sequence[Row], report: Report, now: datetime) -> list[_Balance]:
        balances = []
        for row in rows:
            try:
                balances.append(self._balance(row, now))
            except Wrong as wrong:
                report.reject(row.number, wrong)
                report.counts["points_in_file"] += (points := self._legible(row))
                report.counts["points_rejected"] += points
        return balances

    def _legible(self, row: Row) -> int:
        """Points of a row that cannot be taken, where they at least can be read."""
        if row.told.get("currency", "") not in ("", self._ground.plan.main.code):
            return 0
        try:
            return amount_of(row.told.get("points", ""), "points")
        except Wrong:
            return 0

    def _balance(self, row: Row, now: datetime) -> _Balance:
        """Raises: Wrong."""
        told, zone = row.told, self._ground.zone
        text = text_of(told.get("points"), "points")
        if text is None:
            raise Wrong("not_amount", column="points")
        told_begin = text_of(told.get("spendable_from"), "spendable_from")
        begins = None if told_begin is None else moment_of(told_begin, "spendable_from", zone)
        life = self._life(text_of(told.get("expires_at"), "expires_at"), now)
        if begins and isinstance(life, datetime) and begins >= life:
            raise Wrong("ends_first")
        return _Balance(
            row.number,
            names_in(told, self._ground.region, self._system),
            amount_of(text, "points"),
            self._currency(text_of(told.get("currency"), "currency")),
            begins,
            life,
            text_of(told.get("row"), "row"),
        )

    def _currency(self, code: str | None) -> PointCurrency:
        rules = self._ground.plan.rules
        if code is None:
            return rules.main
        for currency in rules.currencies:
            if currency.code == code:
                return currency
        raise Wrong("no_currency", currency=code)

    def _life(self, text: str | None, now: datetime) -> datetime | str | None:
        if text is None:
            return _BY_RULE
        if text.casefold() in NEVER:
            return None
        ends = moment_of(text, "expires_at", self._ground.zone, whole_day=True)
        if ends <= now:
            raise Wrong("expired")
        return ends

    # --- whose, and what of it is new -------------------------------------------------------

    def _owned(
        self, connection: Connection, balances: list[_Balance], report: Report, *, lock: bool
    ) -> list[tuple[_Balance, int]]:
        """Balances with their members; of two for one lot the first."""
        named = [one.names for one in balances]
        people = People(connection, self._programme_id, named, lock=lock)
        found: list[tuple[_Balance, int]] = []
        for one in balances:
            try:
                found.append((one, people.known(one.names)))
            except Wrong as wrong:
                self._reject(one, wrong, report)
        wanted = [
            (one.number, [f"{member}/{one.currency.code}/{one.tail}"]) for one, member in found
        ]
        taken = self._first.claim(wanted)
        for one, _ in found:
            if one.number in taken:
                self._reject(one, Wrong("same_lot", line=str(taken[one.number])), report)
        return [(one, member) for one, member in found if one.number not in taken]

    def _unbooked(
        self, connection: Connection, owned: Sequence[tuple[_Balance, int]], report: Report
    ) -> list[_Booking]:
        """Those that no run before has booked; what is given out of them is counted."""
        ids = {member for _, member in owned}
        names: Mapping[int, Sequence[int]] = members.aliases_of(connection, ids) if ids else {}
        everybody = {*ids, *(alias for others in names.values() for alias in others)}
        moved = ledger.moved_under(connection, everybody, {self._key(one) for one, _ in owned})
        bookings = []
        for one, member in owned:
            where = (member, *names.get(member, ()))
            key = self._key(one)
            before = {moved.get((number, one.currency.code, key)) for number in where} - {None}
            points = self._bookable(one)
            if before and points not in before:
                told = ", ".join(format_decimal(known) for known in sorted(filter(None, before)))
                self._reject(one, Wrong("other_points", points=told), report)
                continue
            self._count(one, points, bool(before), report)
            if points and not before:
                bookings.append(_Booking(one, member, points))
        return bookings

    def _bookable(self, one: _Balance) -> int:
        """Below zero by the policy: nothing, or as much as may be owed."""
        policies = self._ground.plan.rules.policies
        if one.points >= 0:
            return one.points
        if policies.negative_balance != "allow":
            return 0
        most = policies.most_debt_points
        return one.points if most is None else max(one.points, -most)

    def _count(self, one: _Balance, points: int, known: bool, report: Report) -> None:
        counts, main = report.counts, one.currency == self._ground.plan.main
        counts[_fate(points, known)] += 1
        if not main:
            counts["other_currencies"] += 1
            return
        counts["points_in_file"] += one.points
        counts["points_known" if known else "points_taken"] += points
        counts["points_forgiven"] += points - one.points

    def _reject(self, one: _Balance, wrong: Wrong, report: Report) -> None:
        report.reject(one.number, wrong)
        if one.currency == self._ground.plan.main:
            report.counts["points_in_file"] += one.points
            report.counts["points_rejected"] += one.points

    def _key(self, one: _Balance) -> str:
        return f"import/{self._name}/{one.tail}"

    # --- writing ----------------------------------------------------------------------------

    def _book(
        self,
        connection: Connection,
        books: Mapping[ledger.AccountKey, AccountBook],
        bookings: Sequence[_Booking],
        now: datetime,
    ) -> None:
        by_account: dict[ledger.AccountKey, list[_Booking]] = defaultdict(list)
        for one in bookings:
            by_account[(one.member, one.balance.currency.code)].append(one)
        moved = []
        for account, theirs in by_account.items():
            book = books[account]
            book.settle(now)
            for one in theirs:
                self._move(book, one, now)
            book.settle(now)
            moved.append(book)
        ledger.write_books(connection, moved)
        announce_balances(connection, self._programme_id, moved, now)

    def _move(self, book: AccountBook, one: _Booking, now: datetime) -> None:
        balance = one.balance
        facts = {"reason": f"import {self._name}", "by": self._author}
        cause = Cause(self._key(balance), now, now, None, facts)
        if one.points < 0:
            book.spend(-one.points, cause, _ANY_DEBT, Kind.ADJUST)
            return
        life = balance.life
        if isinstance(life, str):
            life = end_of_life(now, balance.currency.life_days, self._ground.zone)
        begins = max(balance.spendable_from or now, now)
        book.earn(one.points, cause, spendable_from=begins, expires_at=life, kind=Kind.ADJUST)


def _fate(points: int, known: bool) -> str:
    if not points:
        return "empty"
    return "known" if known else "taken"
