"""Coupons: lots, codes with their counters, and which hold or purchase has used which.

A family of its own: no foreign key leads into the ledger family (`ledger.md` 31).  Coupons are
keyed by programme and the normal form of their code.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from loyalty_core.store.tables.base import (
    count,
    id_column,
    metadata,
    none_below_zero,
    partial_index,
)
from loyalty_core.store.types import BigInt, UtcTime

coupon_lots = Table(
    "coupon_lots",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("name", Text, nullable=False),
    Column("series", Text, nullable=False),
    count("size", default=None),
    count("made"),
    Column("state", Text, nullable=False),
    Column("member_id", BigInt),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("author", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("programme_id", "name"),
    *none_below_zero("size"),
    CheckConstraint("made >= 0 AND made <= size", name="made_within_size"),
    CheckConstraint("state IN ('active', 'blocked')", name="state_known"),
)

coupons = Table(
    "coupons",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("lot_id", BigInt),
    Column("member_id", BigInt),
    Column("state", Text, nullable=False),
    count("most", default=None),
    count("uses"),
    count("over"),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("issued_for", Text),
    PrimaryKeyConstraint("programme_id", "code"),
    *none_below_zero("uses", "over"),
    CheckConstraint("uses <= most", name="uses_within_most"),
    CheckConstraint("over = 0 OR uses = most", name="over_only_past_most"),
    CheckConstraint("most > 0", name="most_positive"),
    CheckConstraint("state IN ('active', 'blocked', 'withdrawn')", name="state_known"),
)
Index("ix_coupons_lot", coupons.c.lot_id, coupons.c.code)
partial_index(
    "ix_coupons_member",
    coupons.c.programme_id,
    coupons.c.member_id,
    where="member_id IS NOT NULL",
)
partial_index(
    "uq_coupons_issued_for",
    coupons.c.programme_id,
    coupons.c.issued_for,
    where="issued_for IS NOT NULL",
    unique=True,
)

coupon_uses = Table(
    "coupon_uses",
    metadata,
    Column("kind", Text, nullable=False),
    Column("ref", BigInt, nullable=False),
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    PrimaryKeyConstraint("kind", "ref", "programme_id", "code"),
    CheckConstraint("kind IN ('hold', 'purchase')", name="kind_known"),
)
Index("ix_coupon_uses_code", coupon_uses.c.programme_id, coupon_uses.c.code)
