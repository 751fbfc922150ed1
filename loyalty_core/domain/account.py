"""The book of one account: what points do in time, and how they come and go.

Pure.  `store.ledger` loads an `AccountBook` under lock, a use case moves points in it, and the
store writes the new entries, their rows and the lots that changed.  Every movement goes
through `Posting.move`, which keeps figures and lots together, so that a balance cannot change
anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush

from loyalty_core.domain.errors import BeyondCount, NotEnoughPoints
from loyalty_core.domain.points import MOST, Cause, Entry, Kind, Lot, Row, Terms


@dataclass(slots=True)
class AccountBook:
    """One account under lock, with the lots and the past rows that the work at hand needs."""

    member_id: int
    currency: str
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    entries_made: int = 0
    lots_made: int = 0
    lots: dict[int, Lot] = field(default_factory=dict)
    past: list[Row] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    # --- time -----------------------------------------------------------------------------

    def settle(self, now: datetime) -> None:
        """Book what time has done until `now`: activations and expiries, in their order."""
        due = [(at, lot.no) for lot in self.lots.values() if (at := _due_at(lot)) and at <= now]
        heapify(due)
        while due:
            at, no = heappop(due)
            lot = self.lots[no]
            if not lot.free:  # it paid a debt meanwhile
                continue
            if lot.active or lot.spendable_from != at:
                self._expire(lot, now)
                continue
            self._activate(lot, now)
            if (end := _due_at(lot)) and end <= now:
                heappush(due, (end, no))

    def _activate(self, lot: Lot, now: datetime) -> None:
        cause = Cause(f"activate:{lot.no}", lot.spendable_from, now, lot.purchase_id)
        posting = Posting(self, Kind.ACTIVATE, lot.free, cause)
        posting.activate(lot)
        self.pay_debts(posting, lot.spendable_from)
        posting.close()

    def _expire(self, lot: Lot, now: datetime) -> None:
        at = lot.expires_at or now
        cause = Cause(f"expire:{lot.no}:{self.entries_made + 1}", at, now, lot.purchase_id)
        posting = Posting(self, Kind.EXPIRE, lot.free, cause)
        posting.move(lot, d_free=-lot.free, d_expired=lot.free)
        posting.close()

    # --- points come ----------------------------------------------------------------------

    def earn(
        self,
        points: int,
        cause: Cause,
        *,
        spendable_from: datetime,
        expires_at: datetime | None,
        kind: Kind = Kind.EARN,
    ) -> Lot:
        """A new lot of `points` (> 0); what is owed is paid from it first (`ledger.md` 9)."""
        lot = self.new_lot(
            points,
            active=spendable_from <= cause.booked_at,
            spendable_from=spendable_from,
            expires_at=expires_at,
            purchase_id=cause.purchase_id,
        )
        posting = Posting(self, kind, points, cause)
        posting.move(lot, d_free=points)
        self.pay_debts(posting, cause.booked_at)
        posting.close()
        return lot

    # --- points go ------------------------------------------------------------------------

    def spendable(self, at: datetime) -> int:
        """What a spend at `at` may take without a hold."""
        return sum(lot.free for lot in self._choice(at))

    def spend(self, points: int, cause: Cause, terms: Terms, kind: Kind = Kind.SPEND) -> int:
        """Spend in any case (`ledger.md` 9); gives what was missing.

        A spend that is booked late may reopen lots that expired after it happened (25).
        """
        self._reopen(points, cause)
        posting = Posting(self, kind, points, cause)
        at = min(cause.occurred_at, cause.booked_at)
        missing = points - self.take(posting, points, at)
        debt = self.owe(posting, missing, cause, instead_of=None)
        posting.close()
        self.forgive(debt, missing, cause, terms, instead_of=None)
        return missing

    def withdraw(self, points: int, cause: Cause, kind: Kind = Kind.ADJUST) -> None:
        """Take points that must be there.

        Raises: NotEnoughPoints.
        """
        self._require(points, cause.booked_at)
        posting = Posting(self, kind, points, cause)
        self.take(posting, points, cause.booked_at)
        posting.close()

    def hold(self, points: int, cause: Cause) -> tuple[tuple[int, int], ...]:
        """Set points aside; gives the lots chosen with their parts (`ledger.md` 8).

        Raises: NotEnoughPoints.
        """
        self._require(points, cause.booked_at)
        posting = Posting(self, Kind.HOLD, points, cause)
        parts: list[tuple[int, int]] = []
        for lot in self._choice(cause.booked_at):
            part = min(lot.free, points - sum(size for _, size in parts))
            if not part:
                break
            posting.move(lot, d_free=-part, d_held=part)
            parts.append((lot.no, part))
        posting.close()
        return tuple(parts)

    def release(self, parts: Iterable[tuple[int, int]], cause: Cause) -> None:
        """Let held parts go; a lot that expired in between expires now (`ledger.md` 8)."""
        parts = tuple(parts)
        points = sum(size for _, size in parts)
        if not points:
            return
        posting = Posting(self, Kind.RELEASE, points, cause)
        for no, size in parts:
            posting.move(self.lots[no], d_free=size, d_held=-size)
        self.pay_debts(posting, cause.booked_at)
        posting.close()

    def capture(self, points: int, parts: Iterable[tuple[int, int]], cause: Cause) -> None:
        """Spend `points` of what is held in `parts`; the rest of it stays held."""
        posting = Posting(self, Kind.CAPTURE, points, cause)
        for no, size in parts:
            part = min(size, points)
            if part:
                posting.move(self.lots[no], d_held=-part)
            points -= part
        posting.close()
        if points:
            raise AssertionError("a capture above what was held")

    # --- merging --------------------------------------------------------------------------

    def move_into(self, other: AccountBook, cause: Cause) -> dict[int, int]:
        """Move every lot with its dates into `other` (`ledger.md` 12); old number -> new.

        Closed lots get a twin too, so that later refunds find their way.
        """
        total = self.available + self.pending + self.held
        out = Posting(self, Kind.TRANSFER, -total, cause)
        into = Posting(other, Kind.TRANSFER, total, cause)
        twins: dict[int, int] = {}
        for lot in sorted(self.lots.values(), key=lambda lot: lot.no):
            twin = other.new_lot(
                lot.amount,
                active=lot.active,
                spendable_from=lot.spendable_from,
                expires_at=lot.expires_at,
                purchase_id=lot.purchase_id,
            )
            twin.origin = (self.member_id, lot.no)
            twins[lot.no] = twin.no
            counts = {
                "d_free": lot.free,
                "d_held": lot.held,
                "d_expired": lot.expired,
                "d_owed": lot.owed,
            }
            if any(counts.values()):
                out.move(lot, **{name: -count for name, count in counts.items()})
                into.move(twin, **counts)
        out.close()
        other.pay_debts(into, cause.booked_at)
        into.close()
        return twins

    # --- inside ---------------------------------------------------------------------------

    def new_lot(
        self,
        amount: int,
        *,
        active: bool,
        spendable_from: datetime,
        expires_at: datetime | None,
        purchase_id: int | None,
    ) -> Lot:
        self.lots_made += 1
        lot = Lot(
            self.lots_made,
            amount,
            active,
            spendable_from,
            expires_at,
            purchase_id=purchase_id,
            is_new=True,
        )
        self.lots[lot.no] = lot
        self.touched.add(lot.no)
        return lot

    def _require(self, points: int, now: datetime) -> None:
        available = self.spendable(now)
        if points > available:
            raise NotEnoughPoints(wanted=points, available=available)

    def _choice(self, at: datetime) -> list[Lot]:
        open_lots = (lot for lot in self.lots.values() if lot.active and lot.free)
        return sorted((lot for lot in open_lots if lot.lives_at(at)), key=lambda lot: lot.sort_key)

    def take(
        self, posting: Posting, points: int, at: datetime, instead_of: int | None = None
    ) -> int:
        """Take up to `points` by the usual choice; gives what was taken."""
        taken = 0
        for lot in self._choice(at):
            part = min(lot.free, points - taken)
            if not part:
                break
            posting.move(lot, d_free=-part, instead_of=instead_of)
            taken += part
        return taken

    def _reopen(self, points: int, cause: Cause) -> None:
        """Lots that expired after the spend happened stand in their place in the choice."""
        at = min(cause.occurred_at, cause.booked_at)
        candidates = [
            lot
            for lot in self.lots.values()
            if lot.active and lot.lives_at(at) and (lot.free or lot.expired)
        ]
        for lot in sorted(candidates, key=lambda lot: lot.sort_key):
            if points <= 0:
                return
            points -= lot.free
            part = min(lot.expired, max(points, 0))
            self.reopen_lot(lot, part, cause)
            points -= part

    def reopen_lot(self, lot: Lot, points: int, cause: Cause) -> None:
        if not points:
            return
        key = f"{cause.key}:reopen:{lot.no}"
        posting = Posting(self, Kind.EXPIRE, -points, _rekeyed(cause, key))
        posting.move(lot, d_free=points, d_expired=-points)
        posting.close()

    def owe(
        self, posting: Posting, points: int, cause: Cause, instead_of: int | None
    ) -> Lot | None:
        if not points:
            return None
        debt = self.new_lot(
            points,
            active=True,
            spendable_from=min(cause.occurred_at, cause.booked_at),
            expires_at=None,
            purchase_id=None,
        )
        posting.move(debt, d_owed=points, instead_of=instead_of)
        return debt

    def forgive(
        self, debt: Lot | None, points: int, cause: Cause, terms: Terms, instead_of: int | None
    ) -> None:
        """Of a debt just made, what goes beyond the most that may be owed (`ledger.md` 9)."""
        if debt is None or terms.most_debt is None:
            return
        points = min(points, self.debt - terms.most_debt)
        if points <= 0:
            return
        key = f"{cause.key}:forgive:{debt.no}"
        posting = Posting(self, Kind.FORGIVE, points, _rekeyed(cause, key))
        posting.move(debt, d_owed=-points, instead_of=instead_of)
        posting.close()

    def pay_debts(self, posting: Posting, now: datetime) -> None:
        """Points that become available pay debt first, the oldest debt first."""
        if not self.debt + posting.d_debt:
            return
        for debt in [lot for lot in self.lots.values() if lot.owed]:
            paid = self.take(posting, debt.owed, now, instead_of=debt.no)
            if paid:
                posting.move(debt, d_owed=-paid)

    def rows(self) -> Iterable[Row]:
        yield from self.past
        for entry in self.entries:
            yield from entry.rows


class Posting:
    """One entry in the making: the only thing that changes figures and lots."""

    def __init__(self, book: AccountBook, kind: Kind, amount: int, cause: Cause) -> None:
        book.entries_made += 1
        self._book = book
        self._entry = Entry(book.entries_made, kind, amount, cause, cause.key)
        book.entries.append(self._entry)
        self.cause = cause
        self.kind = kind

    def move(  # noqa: PLR0913 - one count of a lot each
        self,
        lot: Lot,
        *,
        d_free: int = 0,
        d_held: int = 0,
        d_expired: int = 0,
        d_owed: int = 0,
        instead_of: int | None = None,
    ) -> None:
        entry = self._entry
        row = Row(
            entry.kind,
            entry.cause.purchase_id,
            entry.seq,
            len(entry.rows),
            lot.no,
            instead_of,
            d_free,
            d_held,
            d_expired,
            d_owed,
        )
        entry.rows.append(row)
        lot.free += d_free
        lot.held += d_held
        lot.expired += d_expired
        lot.owed += d_owed
        self._book.touched.add(lot.no)
        if lot.active:
            entry.d_available += d_free
        else:
            entry.d_pending += d_free
        entry.d_held += d_held
        entry.d_debt += d_owed

    def activate(self, lot: Lot) -> None:
        self.move(lot)
        lot.active = True
        self._entry.d_pending -= lot.free
        self._entry.d_available += lot.free

    @property
    def d_debt(self) -> int:
        """By how much it has changed the debt so far."""
        return self._entry.d_debt

    def close(self) -> None:
        """Carry the entry's changes into the account's figures.

        Raises: BeyondCount.
        """
        book, entry = self._book, self._entry
        book.available += entry.d_available
        book.pending += entry.d_pending
        book.held += entry.d_held
        book.debt += entry.d_debt
        if max(abs(entry.amount), book.available, book.pending, book.held, book.debt) > MOST:
            raise BeyondCount({"entry": entry.key})


def _due_at(lot: Lot) -> datetime | None:
    """When time next does something to the points of a lot, if ever."""
    if not lot.free:
        return None
    if lot.active or lot.expires_at is None:
        return lot.expires_at if lot.active else lot.spendable_from
    return min(lot.spendable_from, lot.expires_at)


def _rekeyed(cause: Cause, key: str) -> Cause:
    return Cause(key, cause.occurred_at, cause.booked_at, cause.purchase_id, cause.facts)
