"""One certificate's money: figures, and the movements that change them.

At every moment and whatever came in which order:

    balance - owed + expired = loaded - paid

`balance` is what is on it, `reserved` the part of that which live holds have; `owed` is what
tills took, or a returned sale took back, and was not there.  While something is owed nothing is
free: what comes pays that first.  Kopecks; pure: no clock, no database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from loyalty_core.domain.errors import BeyondCount

MOST = 2**62
"""No figure grows beyond: the columns end at 63 bits."""


class Kind(StrEnum):
    """What a movement is.  `activate`: money comes onto one that has none of anybody's on it, be
    it for the first time or not; `void`: a load is taken back."""

    ACTIVATE = "activate"
    TOP_UP = "top_up"
    RESERVE = "reserve"
    RELEASE = "release"
    PAY = "pay"
    GIVE_BACK = "give_back"
    EXPIRE = "expire"
    VOID = "void"


class Figures(NamedTuple):
    """Of a certificate as they stand, or of a movement as it changes them."""

    balance: int = 0
    reserved: int = 0
    owed: int = 0
    expired: int = 0
    loaded: int = 0
    paid: int = 0

    def plus(self, other: Figures) -> Figures:
        return Figures(*(one + two for one, two in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Why:
    """The cause of a movement: its key (made of what the outside sent), its times, who."""

    key: str
    occurred_at: datetime
    booked_at: datetime
    purchase_id: int | None = None
    hold_id: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One movement, numbered within its certificate; rows are only ever added."""

    no: int
    kind: Kind
    change: Figures
    why: Why


@dataclass(slots=True)
class CertificateBook:
    """A certificate between reading and writing.  `moves_made` counts all movements ever,
    `moves` are those that are not stored yet."""

    id: int
    figures: Figures
    expires_at: datetime | None
    activated_at: datetime | None
    life_days: int | None
    moves_made: int
    moves: list[Move] = field(default_factory=list)

    @property
    def free(self) -> int:
        """What can be paid with or reserved now, if it lives."""
        return self.figures.balance - self.figures.reserved

    def lives_at(self, moment: datetime) -> bool:
        return self.expires_at is None or moment < self.expires_at

    def settle(self, now: datetime) -> None:
        """Book its end: what is not reserved expires."""
        if self.free <= 0 or self.lives_at(now):
            return
        why = Why(f"expire:{self.moves_made + 1}", self.expires_at or now, now)
        self._book(Kind.EXPIRE, Figures(balance=-self.free, expired=self.free), why)

    def load(self, amount: int, why: Why, until: datetime | None) -> None:
        """Money comes onto it; it lives at least to `until`, and to the end that is printed on
        it.  Raises: BeyondCount."""
        kind = Kind.TOP_UP if self.figures.loaded else Kind.ACTIVATE
        if self.activated_at is None:
            self.activated_at = why.occurred_at
            self.expires_at = max(filter(None, (self.expires_at, until)), default=None)
        else:
            self._live_to(until)
        self._book(kind, self._come(amount).plus(Figures(loaded=amount)), why)
        self.settle(why.booked_at)

    def unload(self, amount: int, why: Why) -> int:
        """A sale of it was returned: take its money back; gives what had been used already."""
        gone = self._go(amount)
        self._book(Kind.VOID, gone.plus(Figures(loaded=-amount)), why)
        return gone.owed

    def reserve(self, amount: int, why: Why) -> None:
        if not 0 < amount <= self.free:
            raise AssertionError("more reserved than is free")
        self._book(Kind.RESERVE, Figures(reserved=amount), why)

    def release(self, amount: int, why: Why) -> None:
        """What a hold does not need: it pays what is owed, and expires if its time is over."""
        pays = min(amount, self.figures.owed)
        self._book(Kind.RELEASE, Figures(balance=-pays, reserved=-amount, owed=-pays), why)
        self.settle(why.booked_at)

    def pay(self, amount: int, held: int, why: Why) -> int:
        """It was paid with, `held` of that from the hold of `why`; gives what was not there.

        A till's word stands: what is not free is taken of what has expired, else it is owed.
        """
        if not 0 <= held <= min(amount, self.figures.reserved):
            raise AssertionError("more captured than is reserved")
        gone = self._go(amount - held)
        self._book(Kind.PAY, gone.plus(Figures(balance=-held, reserved=-held, paid=amount)), why)
        return gone.owed

    def give_back(self, amount: int, why: Why, grace_until: datetime | None) -> None:
        """Goods that it paid came back.  One that has expired lives to `grace_until` again."""
        if not self.lives_at(why.booked_at):
            self._live_to(grace_until)
        self._book(Kind.GIVE_BACK, self._come(amount).plus(Figures(paid=-amount)), why)
        self.settle(why.booked_at)

    # --- inside -------------------------------------------------------------------------------

    def _come(self, amount: int) -> Figures:
        owed = min(amount, self.figures.owed)
        return Figures(balance=amount - owed, owed=-owed)

    def _go(self, amount: int) -> Figures:
        free = min(amount, self.free)
        expired = min(amount - free, self.figures.expired)
        return Figures(balance=-free, expired=-expired, owed=amount - free - expired)

    def _live_to(self, until: datetime | None) -> None:
        """Its end is never brought nearer; one without an end has none."""
        if self.expires_at is not None and until is not None:
            self.expires_at = max(self.expires_at, until)

    def _book(self, kind: Kind, change: Figures, why: Why) -> None:
        figures = self.figures.plus(change)
        if max(figures) > MOST:
            raise BeyondCount
        assert min(figures) >= 0
        assert figures.reserved <= figures.balance
        self.figures = figures
        self.moves_made += 1
        self.moves.append(Move(self.moves_made, kind, change, why))
