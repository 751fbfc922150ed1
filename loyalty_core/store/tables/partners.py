"""Partners of a programme, and what they pay for points; a shop says whose it is."""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from loyalty_core.store.tables.base import count, id_column, metadata, none_below_zero
from loyalty_core.store.types import BigInt, UtcTime

partners = Table(
    "partners",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("programme_id", "code"),
)

partner_prices = Table(
    "partner_prices",
    metadata,
    Column("partner_id", BigInt, nullable=False),
    Column("currency", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    count("price_minor", default=None),
    PrimaryKeyConstraint("partner_id", "currency", "since"),
    *none_below_zero("price_minor"),
)
"""Kopecks for a whole point of purchases that came `since` then."""
