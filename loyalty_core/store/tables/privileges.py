"""What members have chosen and belong to.

Families of their own: no foreign key leads into the ledger family (`ledger.md` 31).
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, Table, Text

from loyalty_core.store.tables.base import count, id_column, metadata
from loyalty_core.store.types import BigInt, UtcTime

reward_choices = Table(
    "reward_choices",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reward", Text),
    PrimaryKeyConstraint("member_id", "at"),
)

member_goods = Table(
    "member_goods",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("list", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("until", UtcTime),
    PrimaryKeyConstraint("member_id", "list", "kind", "key"),
    CheckConstraint("kind IN ('sku', 'category')", name="kind_known"),
)

list_fillings = Table(
    "list_fillings",
    metadata,
    id_column("programme_id"),
    Column("day", Text, nullable=False),
    count("rules_version", default=None),
    Column("after", BigInt),
)

club_grants = Table(
    "club_grants",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("club", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", BigInt, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("days", BigInt),
    Column("until", UtcTime),
    PrimaryKeyConstraint("member_id", "club", "kind", "ref"),
    CheckConstraint("kind IN ('purchase', 'shop', 'end')", name="kind_known"),
    CheckConstraint("days IS NULL OR days > 0", name="days_positive"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("club", Text, nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("until", UtcTime),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("member_id", "club", "starts_at"),
    CheckConstraint("source IN ('purchase', 'shop')", name="source_known"),
    CheckConstraint("until IS NULL OR until > starts_at", name="ends_after_its_start"),
)
"""What the grants come to."""

event_places = Table(
    "event_places",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("event", Text, nullable=False),
    count("places", default=None),
    count("taken", default=None),
    PrimaryKeyConstraint("programme_id", "event"),
    CheckConstraint("taken BETWEEN 0 AND places", name="not_overbooked"),
)

event_guests = Table(
    "event_guests",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("event", Text, nullable=False),
    Column("member_id", BigInt, nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("programme_id", "event", "member_id"),
)
"""`event_places.taken` is how many there are."""
