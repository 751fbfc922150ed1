"""The ledger family: accounts, lots, entries, entry-lots, holds (`ledger.md` 31).

Keyed by the member first; no foreign key leaves or enters the family, so that it can be
partitioned or distributed by `member_id`.  Points in hundredths.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from loyalty_core.store.tables.base import count, metadata, none_below_zero, partial_index
from loyalty_core.store.types import BigInt, Json, UtcTime

accounts = Table(
    "accounts",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    *[count(name) for name in ("available", "pending", "held", "debt")],
    count("entries"),
    count("lots"),
    PrimaryKeyConstraint("member_id", "currency"),
    *none_below_zero("available", "pending", "held", "debt"),
    CheckConstraint("debt = 0 OR available = 0", name="debt_leaves_nothing_available"),
)

lots = Table(
    "lots",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("no", BigInt, nullable=False, autoincrement=False),
    count("amount", default=None),
    *[count(name) for name in ("free", "held", "expired", "owed")],
    Column("active", Boolean, nullable=False),
    Column("spendable_from", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("purchase_id", BigInt),
    Column("origin_member", BigInt),
    Column("origin_no", BigInt),
    PrimaryKeyConstraint("member_id", "currency", "no"),
    *none_below_zero("amount", "free", "held", "expired", "owed"),
    CheckConstraint("free + held + expired <= amount", name="no_more_than_awarded"),
    CheckConstraint("owed = 0 OR free + held = 0", name="debt_holds_no_points"),
)
partial_index(
    "ix_lots_open",
    lots.c.member_id,
    lots.c.currency,
    where="free > 0 OR held > 0 OR owed > 0",
)
partial_index(
    "ix_lots_expiring",
    lots.c.expires_at,
    where="free > 0",
)
partial_index(
    "ix_lots_pending",
    lots.c.spendable_from,
    where="NOT active AND free > 0",
)

entries = Table(
    "entries",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("seq", BigInt, nullable=False, autoincrement=False),
    Column("kind", Text, nullable=False),
    count("amount", default=None),
    *[count(name) for name in ("d_available", "d_pending", "d_held", "d_debt")],
    Column("key", Text, nullable=False),
    Column("purchase_id", BigInt),
    Column("cause", Json, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("booked_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("member_id", "currency", "seq"),
    UniqueConstraint("member_id", "currency", "key"),
)
Index("ix_entries_purchase", entries.c.member_id, entries.c.purchase_id)

entry_lots = Table(
    "entry_lots",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("seq", BigInt, nullable=False, autoincrement=False),
    Column("line", Integer, nullable=False, autoincrement=False),
    Column("lot", BigInt, nullable=False),
    Column("instead_of", BigInt),
    *[count(name) for name in ("d_free", "d_held", "d_expired", "d_owed")],
    PrimaryKeyConstraint("member_id", "currency", "seq", "line"),
)
partial_index(
    "ix_entry_lots_instead_of",
    entry_lots.c.member_id,
    entry_lots.c.currency,
    entry_lots.c.instead_of,
    where="instead_of IS NOT NULL",
)

holds = Table(
    "holds",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("id", BigInt, nullable=False, autoincrement=False),
    Column("programme_id", BigInt, nullable=False),
    Column("shop_id", BigInt, nullable=False),
    Column("source", Text, nullable=False),
    Column("cart", Text),
    Column("order", Text),
    Column("currency", Text, nullable=False),
    count("points"),
    Column("lots", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("request", Json, nullable=False),
    Column("quote", Json, nullable=False),
    Column("purchase_id", BigInt),
    # Released because its time was up, and not by a word of whoever placed it.
    Column("ran_out", Boolean),
    PrimaryKeyConstraint("member_id", "id"),
    *none_below_zero("points"),
    CheckConstraint("state IN ('live', 'captured', 'released')", name="state_known"),
)
partial_index(
    "ix_holds_live",
    holds.c.expires_at,
    where="state = 'live'",
)

LEDGER_FAMILY = (accounts, lots, entries, entry_lots, holds)
