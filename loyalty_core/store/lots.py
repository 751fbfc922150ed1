"""Reading lots into the books that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import literal_column, or_, select

from loyalty_core.domain.account import AccountBook
from loyalty_core.domain.points import Lot
from loyalty_core.store.sets import among
from loyalty_core.store.tables import lots

Books = Mapping[tuple[int, str], AccountBook]
"""By member and currency."""

# In the words of their index: a prepared statement with parameters could not use it.
OPEN_LOTS = or_(*(lots.c[name] > literal_column("0") for name in ("free", "held", "owed")))
LOTS_OF_MEMBERS = (
    select(
        lots.c.member_id,
        lots.c.currency,
        lots.c.no,
        lots.c.amount,
        lots.c.active,
        lots.c.spendable_from,
        lots.c.expires_at,
        lots.c.free,
        lots.c.held,
        lots.c.expired,
        lots.c.owed,
        lots.c.purchase_id,
        lots.c.origin_member,
        lots.c.origin_no,
    )
    .where(among(lots.c.member_id, "members"))
    .order_by(lots.c.no)
)


def take_lots(books: Books, rows: Iterable[Sequence[Any]]) -> None:
    """Fill in lots that a select on LOTS_OF_MEMBERS gave for the members of these books."""
    for row in rows:
        book = books.get((row[0], row[1]))
        if book is not None:
            lot = Lot(*row[2:12])
            if row[12] is not None:
                lot.origin = (row[12], row[13])
            book.lots[lot.no] = lot
