"""What limits of promotions have counted, and which hold or purchase consumed which part.

A family of its own: no foreign key leads into the ledger family (`ledger.md` 31).  A row is
keyed by whom it counts for: 0 (the promotion itself), a shop or a member.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, Table, Text

from loyalty_core.store.tables.base import count, metadata, none_below_zero, partial_index
from loyalty_core.store.types import BigInt, UtcTime

_KEY = ("programme_id", "owner", "promotion", "per", "period", "of", "starts_at")


def _key() -> list[Column[object]]:
    return [
        Column("programme_id", BigInt, nullable=False),
        Column("owner", BigInt, nullable=False),
        Column("promotion", Text, nullable=False),
        Column("per", Text, nullable=False),
        Column("period", Text, nullable=False),
        Column("of", Text, nullable=False),
        Column("starts_at", UtcTime, nullable=False),
    ]


promotion_uses = Table(
    "promotion_uses",
    metadata,
    *_key(),
    count("used"),
    PrimaryKeyConstraint(*_KEY),
    *none_below_zero("used"),
    CheckConstraint("per IN ('promotion', 'shop', 'member')", name="per_known"),
)

promotion_use_parts = Table(
    "promotion_use_parts",
    metadata,
    Column("kind", Text, nullable=False),
    Column("ref", BigInt, nullable=False),
    *_key(),
    count("amount", default=None),
    PrimaryKeyConstraint("kind", "ref", *_KEY),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("kind IN ('hold', 'purchase')", name="kind_known"),
)
partial_index(
    "ix_promotion_use_parts_member",
    promotion_use_parts.c.programme_id,
    promotion_use_parts.c.owner,
    where="per = 'member'",
)
