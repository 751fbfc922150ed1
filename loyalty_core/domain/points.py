"""The words of the books: lots, entries, and the rows between them.

`account.py` moves points with them, `returns.py` moves them back; the rules have the numbers
of `docs/ledger.md`.

A debt is a lot too: it holds no points but `owed`.  A row that moves a lot `instead_of` another
one says for whom it stood in; that is how points find their way back to where they came from
(`ledger.md` 9 to 11):

* a claw-back whose own lot was spent takes another lot *instead of* its own;
* points that pay a debt leave their lot *instead of* the debt's;
* points for a lot that has expired come into a fresh lot *instead of* the old one.

All points are hundredths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from loyalty_kit.frozen import frozen


class Kind(StrEnum):
    """Kinds of entries (`ledger.md` 3)."""

    EARN = "earn"
    ACTIVATE = "activate"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    SPEND = "spend"
    GIVE_BACK = "give_back"
    CLAW_BACK = "claw_back"
    EXPIRE = "expire"
    ADJUST = "adjust"
    TRANSFER = "transfer"
    FORGIVE = "forgive"


MOST = 2**63 - 1
"""No count of points or kopecks that is kept goes beyond this."""
SPENDING = frozenset({Kind.SPEND, Kind.CAPTURE, Kind.GIVE_BACK})
CLAWING = frozenset({Kind.CLAW_BACK})


@dataclass(slots=True)
class Lot:
    """An award and what is left of it.  Dates never change; the counts do."""

    no: int
    amount: int
    active: bool
    spendable_from: datetime
    expires_at: datetime | None
    free: int = 0
    held: int = 0
    expired: int = 0
    owed: int = 0
    purchase_id: int | None = None
    origin: tuple[int, int] | None = None
    is_new: bool = False

    @property
    def sort_key(self) -> tuple[bool, datetime, int]:
        """Earliest expiry first, never-expiring last, then oldest (`ledger.md` 4)."""
        return (self.expires_at is None, self.expires_at or self.spendable_from, self.no)

    def lives_at(self, moment: datetime) -> bool:
        """Not expired: points are spendable while `moment` < `expires_at` (`ledger.md` 7)."""
        return self.expires_at is None or moment < self.expires_at


class Row(NamedTuple):
    """One entry-lot: what one entry did to one lot, and for which lot it stood in."""

    kind: Kind
    purchase_id: int | None
    seq: int
    line: int
    lot: int
    instead_of: int | None
    d_free: int = 0
    d_held: int = 0
    d_expired: int = 0
    d_owed: int = 0

    @property
    def taken(self) -> int:
        """Points taken from the lot, or lent on it; negative: put back.

        A claw-back may take what had expired of its own lot; that counts as taken too.
        """
        return self.d_owed - self.d_free - self.d_held - self.d_expired

    @property
    def on_behalf_of(self) -> int:
        return self.lot if self.instead_of is None else self.instead_of


@frozen
class Cause:
    """Why an entry is booked.  `key` is made of what the outside sent (`ledger.md` 3)."""

    key: str
    occurred_at: datetime
    booked_at: datetime
    purchase_id: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """One line of the ledger; signed changes of the account's figures."""

    seq: int
    kind: Kind
    amount: int
    cause: Cause
    key: str
    d_available: int = 0
    d_pending: int = 0
    d_held: int = 0
    d_debt: int = 0
    rows: list[Row] = field(default_factory=list)


@frozen
class Terms:
    """What the programme says of points that come back or are missing.

    `most_debt`: what an account may owe, in hundredths; 0: nothing, None: any sum.
    `grace_until` is the end of life of points given back for a lot that has expired; None
    when they expire at once.
    """

    most_debt: int | None
    grace_until: datetime | None
