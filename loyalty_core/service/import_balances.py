"""Balances of another system: each row a lot of its own, booked once whatever comes again.

A row is the lot of its member that was brought in with the same dates, or the same word in its
column `row`, whatever the file was called: so a mended file under another name books what is
missing.  Dates themselves may be mended too.  So a row of a member who has lots that the file
does not tell is refused: it may be one of them.  Only of a file that comes `besides` others the
rows are held against that import alone.

The key in the ledger is made of the import's name and of what sets the row apart.  It names no
person, so it may stay when the person is erased.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.dates import end_of_life
from loyalty_core.domain.import_cells import NEVER, Wrong, amount_of, moment_of, text_of
from loyalty_core.domain.points import Cause, Kind, Terms
from loyalty_core.domain.rules import PointCurrency, RuleSet
from loyalty_core.service.event_batch import announce_balances
from loyalty_core.service.imports import Ground, Report, Row, ground_of
from loyalty_core.service.named_rows import FirstLines, Names, People, names_in
from loyalty_core.service.plans import PlanCache
from loyalty_core.store import ledger, members
from loyalty_core.store.ids import to_wire
from loyalty_core.store.scratch import Scratch
from loyalty_kit.money import format_decimal

_ANY_DEBT = Terms(most_debt=None, grace_until=None)
_BY_RULE = "rule"
_ROW = "row:"


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
            return f"{_ROW}{blake2b(self.row.encode(), digest_size=3).hexdigest()}"
        return self.dates

    @property
    def dates(self) -> str:
        life = self.life.isoformat() if isinstance(self.life, datetime) else self.life or "never"
        return f"{life}/{self.spendable_from.isoformat() if self.spendable_from else 'now'}"


@dataclass(frozen=True, slots=True)
class _Booking:
    """A balance with its member, and the points that are booked of it."""

    balance: _Balance
    member: int
    points: int

    @property
    def account(self) -> ledger.AccountKey:
        return (self.member, self.balance.currency.code)

    @property
    def mark(self) -> str:
        """What the file's lines are claimed by."""
        return _mark(self.account, self.balance.tail)

    @property
    def alike(self) -> str:
        """What others may stand under that say the same in another way."""
        return _mark(self.account, self.balance.dates, self.points)


@dataclass(frozen=True, slots=True)
class _Lot:
    """What a run before has booked at an account: its tail, and the points."""

    tail: str
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
        besides: bool = False,
    ) -> None:
        self._plans = plans
        self._programme_id = programme_id
        self._name = name
        self._first = FirstLines(scratch)
        self._system = system
        self._author = author
        self._besides = besides
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
        keys = sorted({one.account for one in owned})
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
            return amount_of(row.sound().get("points", ""), "points")
        except Wrong:
            return 0

    def _balance(self, row: Row, now: datetime) -> _Balance:
        """Raises: Wrong."""
        told, zone = row.sound(), self._ground.zone
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
            currency_of(told, self._ground.plan.rules),
            begins,
            life,
            text_of(told.get("row"), "row"),
        )

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
    ) -> list[_Booking]:
        """Balances with their members; of two for one lot the first."""
        named = [one.names for one in balances]
        people = People(connection, self._programme_id, named, lock=lock)
        found: list[_Booking] = []
        for one in balances:
            try:
                if _is_own(one, people):
                    raise Wrong("own_lot")
                found.append(_Booking(one, people.known(one.names), self._bookable(one)))
            except Wrong as wrong:
                self._reject(one, wrong, report)
        taken = self._first.claim([(one.balance.number, [one.mark]) for one in found])
        owned = [one for one in found if one.balance.number not in taken]
        self._first.note([(one.balance.number, one.alike) for one in owned])
        for twice in found:
            if first := taken.get(twice.balance.number):
                self._reject(twice.balance, Wrong("same_lot", line=str(first)), report)
        return owned

    def _unbooked(
        self, connection: Connection, owned: Sequence[_Booking], report: Report
    ) -> list[_Booking]:
        """Those that no run before has booked; what is given out of them is counted."""
        before = self._before(connection, {one.member for one in owned})
        lots = {_mark(account, lot.tail): lot for account, all_ in before.items() for lot in all_}
        alike = [
            _mark(account, lot.tail, lot.points) for account, all_ in before.items() for lot in all_
        ]
        lines = self._first.lines_of([*lots, *alike, *(one.alike for one in owned)])
        bookings = []
        for one in owned:
            try:
                known = _is_known(one, before.get(one.account, ()), lines)
            except Wrong as wrong:
                self._reject(one.balance, wrong, report)
                continue
            self._count(one.balance, one.points, known, report)
            if one.points and not known:
                bookings.append(one)
        return bookings

    def _before(
        self, connection: Connection, ids: Collection[int]
    ) -> Mapping[ledger.AccountKey, Sequence[_Lot]]:
        """Lots that runs before have booked, also at members who were merged into these."""
        names: Mapping[int, Sequence[int]] = members.aliases_of(connection, ids) if ids else {}
        now_is = {alias: member for member, others in names.items() for alias in others}
        lots: dict[ledger.AccountKey, list[_Lot]] = defaultdict(list)
        moved = ledger.brought_in(connection, {*ids, *now_is})
        for (number, currency, key), points in moved.items():
            name, tail = _parts_of(key)
            if not self._besides or name == self._name:
                lots[(now_is.get(number, number), currency)].append(_Lot(tail, points))
        return lots

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
        return f"{ledger.BROUGHT_IN}{self._name}/{one.tail}"

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
            by_account[one.account].append(one)
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


def currency_of(told: Mapping[str, str], rules: RuleSet) -> PointCurrency:
    """Of a row; one that names none means the main one.  Raises: Wrong."""
    code = text_of(told.get("currency"), "currency")
    if code is None:
        return rules.main
    for currency in rules.currencies:
        if currency.code == code:
            return currency
    raise Wrong("no_currency", currency=code)


def _is_known(one: _Booking, lots: Sequence[_Lot], lines: Mapping[str, int]) -> bool:
    """Whether one of these lots is what the row tells.  `lines`: where the file tells of them.

    Raises: Wrong, where it is with other points, or may be.
    """
    same = [lot.points for lot in lots if lot.tail == one.balance.tail]
    if same:
        if one.points not in same:
            told = ", ".join(format_decimal(points) for points in sorted(same))
            raise Wrong("other_points", points=told)
        return True
    if not one.points:
        return False
    # A word that was added since: the same dates and points are the lot that had none, once.
    of_dates = [lot for lot in lots if not lot.tail.startswith(_ROW)]
    if _Lot(one.balance.dates, one.points) in of_dates and (
        lines.get(one.alike) == one.balance.number
    ):
        return True
    untold = [
        lot
        for lot in (lots if one.balance.row is None else of_dates)
        if not {_mark(one.account, lot.tail), _mark(one.account, lot.tail, lot.points)}
        & lines.keys()
    ]
    if untold:
        raise Wrong("other_lots", points=format_decimal(sum(lot.points for lot in untold)))
    return False


def _is_own(one: _Balance, people: People) -> bool:
    """Whether it is a lot of this very programme, as its export tells it (`export_programme`)."""
    direct = one.names.direct
    if direct is None or one.row is None or not people.is_here(direct):
        return False
    return one.row.startswith(f"{to_wire('m', direct)}:")


def _mark(account: ledger.AccountKey, tail: str, points: int | None = None) -> str:
    member, currency = account
    return f"{member}/{currency}/{tail}" + ("" if points is None else f"={points}")


def _parts_of(key: str) -> tuple[str, str]:
    """The import's name, which may have slashes of its own, and the tail."""
    told = key.removeprefix(ledger.BROUGHT_IN)
    parts = 1 if told.rpartition("/")[2].startswith(_ROW) else 2
    name, *tail = told.rsplit("/", parts)
    return name, "/".join(tail)


def _fate(points: int, known: bool) -> str:
    if not points:
        return "empty"
    return "known" if known else "taken"
