"""Terminals of connections, and who sells at them."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, PrimaryKeyConstraint, Table, Text

from loyalty_core.store.tables.base import metadata
from loyalty_core.store.types import BigInt, UtcTime

terminals = Table(
    "terminals",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("external_id", Text, nullable=False),
    # NULL: the vendor does not tell of it.
    Column("name", Text),
    Column("shop", Text),
    Column("listed", Boolean, nullable=False),
    Column("heard_at", UtcTime),
    PrimaryKeyConstraint("installation_id", "external_id"),
    CheckConstraint("listed OR heard_at IS NOT NULL", name="listed_or_heard"),
)
"""Terminals of connections: `listed` by the vendor, or heard of by a receipt."""

cashiers = Table(
    "cashiers",
    metadata,
    Column("installation_id", BigInt, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text),
    PrimaryKeyConstraint("installation_id", "external_id"),
    CheckConstraint("role IN ('admin', 'cashier')", name="role_known"),
)
"""Who sells at them, by the vendor's ids, as receipts name them."""
