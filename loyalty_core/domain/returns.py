"""Goods come back: points earned are taken back, points spent are given back.

Pure functions over an `AccountBook` (`ledger.md` 10, 11, 20 to 22).  A purchase finds again
what it took by the rows that its own entries left behind.
"""

from __future__ import annotations

from loyalty_core.domain.account import AccountBook, Posting
from loyalty_core.domain.points import CLAWING, SPENDING, Cause, Kind, Lot, Terms
from loyalty_kit.frozen import frozen


def claw_back(book: AccountBook, points: int, cause: Cause, terms: Terms) -> int:
    """Take earned points back (`ledger.md` 10); gives what was missing.

    First the purchase's own lots, pending or spendable, with what has expired of them
    (expired points are gone already, nothing else is taken for them); then other lots by
    the usual choice, then debt or forgiveness.
    """
    own = [lot for lot in book.lots.values() if lot.purchase_id == cause.purchase_id]
    shares = _shares_to_claw(book, own, points, cause)
    posting = Posting(book, Kind.CLAW_BACK, points, cause)
    for lot in own:
        part = min(lot.free, shares[lot.no])
        gone = min(lot.expired, shares[lot.no] - part)
        if part or gone:
            posting.move(lot, d_free=-part, d_expired=-gone)
        shares[lot.no] -= part + gone
    debts: list[tuple[Lot, int, int]] = []
    for no, share in shares.items():
        short = share - book.take(posting, share, cause.booked_at, instead_of=no)
        debt = book.owe(posting, short, cause, instead_of=no)
        if debt is not None:
            debts.append((debt, short, no))
    posting.close()
    for debt, short, no in reversed(debts):
        book.forgive(debt, short, cause, terms, instead_of=no)
    return sum(short for _, short, _ in debts)


def _shares_to_claw(book: AccountBook, own: list[Lot], points: int, cause: Cause) -> dict[int, int]:
    """How much is to be clawed back for each own lot: first what is there, then the rest."""
    room = {lot.no: _room_to_claw(book, lot, cause.purchase_id) for lot in own}
    shares: dict[int, int] = {}
    for lot in own:
        shares[lot.no] = min(points, room[lot.no], lot.free + lot.expired)
        points -= shares[lot.no]
    for lot in own:
        more = min(points, room[lot.no] - shares[lot.no])
        shares[lot.no] += more
        points -= more
    if points:
        raise AssertionError("a claw-back above what the purchase earned")
    return shares


def undo_claw_back(book: AccountBook, points: int, cause: Cause, terms: Terms) -> None:
    """Put back what claw-backs of the purchase took."""
    posting = Posting(book, Kind.CLAW_BACK, -points, cause)
    _WayBack(book, posting, terms).restore(points, CLAWING)


def give_back(book: AccountBook, points: int, cause: Cause, terms: Terms) -> None:
    """Give spent points back to where they came from, debts first (`ledger.md` 11)."""
    posting = Posting(book, Kind.GIVE_BACK, points, cause)
    _WayBack(book, posting, terms).restore(points, SPENDING)


@frozen
class _WayBack:
    """Points on their way back to the lots that they were taken for."""

    book: AccountBook
    posting: Posting
    terms: Terms

    def restore(self, points: int, kinds: frozenset[Kind]) -> None:
        taken = _outstanding(self.book, self.posting.cause.purchase_id, kinds)
        taken.sort(key=lambda item: not _is_debt(self.book, item[0]))
        for no, size in taken:
            part = min(size, points)
            if part:
                self.put_back(self.book.lots[no], part, None)
            points -= part
        if points:
            raise AssertionError("more to put back than was taken")
        self.book.pay_debts(self.posting, self.posting.cause.booked_at)
        self.posting.close()

    def put_back(self, lot: Lot, points: int, instead_of: int | None) -> None:
        """Put points back on a lot, or on whatever stood in for it meanwhile.

        One stand-in at a time, looked up anew, and what passes through a lot is written before
        it goes on: two lots may have stood in for each other.
        """
        while points and (stand_in := _last_stand_in(self.book, lot.no)) is not None:
            no, size = stand_in
            part = min(size, points)
            if instead_of is not None:
                self._pass_on(lot, part, instead_of)
            self.put_back(self.book.lots[no], part, lot.no)
            points -= part
        if instead_of is None:
            points -= self._bury(lot, points)
        if not points:
            return
        if _is_debt(self.book, lot.no):
            self._pay_off(lot, points, instead_of)
        elif self.terms.grace_until is None or lot.lives_at(self.posting.cause.booked_at):
            self.posting.move(lot, d_free=points, instead_of=instead_of)
        else:
            self._put_on_grace(lot, points, instead_of)

    def _bury(self, lot: Lot, points: int) -> int:
        """What this purchase's claw-back took of its expired points is expired again."""
        if self.posting.kind is not Kind.CLAW_BACK:
            return 0
        taken = -sum(
            row.d_expired
            for row in self.book.rows()
            if row.kind is Kind.CLAW_BACK
            and row.purchase_id == self.posting.cause.purchase_id
            and row.lot == lot.no
            and row.instead_of is None
        )
        part = min(points, taken)
        if part:
            self.posting.move(lot, d_expired=part)
        return part

    def _pass_on(self, lot: Lot, points: int, instead_of: int) -> None:
        """What came back for `instead_of` came to `lot`, and went on from there."""
        if _is_debt(self.book, lot.no):
            self.posting.move(lot, d_owed=-points, instead_of=instead_of)
            self.posting.move(lot, d_owed=points)
        else:
            self.posting.move(lot, d_free=points, instead_of=instead_of)
            self.posting.move(lot, d_free=-points)

    def _pay_off(self, debt: Lot, points: int, instead_of: int | None) -> None:
        """What is owed still is owed no more; what was forgiven never left the member."""
        forgiven = max(0, points - debt.owed)
        self.posting.move(debt, d_owed=-points, instead_of=instead_of)
        if forgiven:
            self._cancel_forgiveness(debt, forgiven)

    def _put_on_grace(self, lot: Lot, points: int, instead_of: int | None) -> None:
        if instead_of is not None:
            self._pass_on(lot, points, instead_of)
        fresh = self.book.new_lot(
            points,
            active=True,
            spendable_from=self.posting.cause.booked_at,
            expires_at=self.terms.grace_until,
            purchase_id=None,
        )
        self.posting.move(fresh, d_free=points, instead_of=lot.no)

    def _cancel_forgiveness(self, debt: Lot, points: int) -> None:
        """What was forgiven never left the member, so nothing of it comes back."""
        cause = self.posting.cause
        key = f"{cause.key}:unforgive:{debt.no}"
        own = Cause(key, cause.occurred_at, cause.booked_at, None, cause.facts)
        posting = Posting(self.book, Kind.FORGIVE, -points, own)
        posting.move(debt, d_owed=points)
        posting.close()


def _is_debt(book: AccountBook, no: int) -> bool:
    """A debt's lot was opened by owing, and holds no points for all its life."""
    lot = book.lots[no]
    if lot.owed:
        return True
    return any(row.lot == no and row.d_owed > 0 for row in book.rows())


def _last_stand_in(book: AccountBook, no: int) -> tuple[int, int] | None:
    """The lot from which points were last taken instead of `no`, and how many still are.

    A debt that was forgiven still stood in: what it took the place of is not given out again.
    """
    sizes: dict[int, int] = {}
    for row in book.rows():
        if row.instead_of == no and row.kind is not Kind.FORGIVE:
            sizes[row.lot] = sizes.get(row.lot, 0) + row.taken
    return next(((lot, size) for lot, size in reversed(sizes.items()) if size > 0), None)


def _outstanding(
    book: AccountBook, purchase_id: int | None, kinds: frozenset[Kind]
) -> list[tuple[int, int]]:
    """(lot, points) that this purchase took for it and has not put back, last taken first."""
    sizes: dict[int, int] = {}
    for row in book.rows():
        if row.purchase_id == purchase_id and row.kind in kinds:
            sizes[row.on_behalf_of] = sizes.get(row.on_behalf_of, 0) + row.taken
    return [(lot, size) for lot, size in reversed(sizes.items()) if size > 0]


def _room_to_claw(book: AccountBook, lot: Lot, purchase_id: int | None) -> int:
    clawed = sum(
        row.taken
        for row in book.rows()
        if row.kind in CLAWING and row.purchase_id == purchase_id and row.on_behalf_of == lot.no
    )
    return lot.amount - clawed
