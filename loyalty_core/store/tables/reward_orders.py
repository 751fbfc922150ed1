"""Rewards for points: how many there are, and who ordered which.

A family of its own: no foreign key leads into the ledger family (`ledger.md` 31).  Rewards are
keyed by the folded code that the rules have.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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

reward_stock = Table(
    "reward_stock",
    metadata,
    Column("programme_id", BigInt, nullable=False),
    Column("reward", Text, nullable=False),
    # All that there ever were; what is left is `put` less `taken`.
    count("put"),
    # Orders with a piece of it that are not cancelled.
    count("taken"),
    PrimaryKeyConstraint("programme_id", "reward"),
    CheckConstraint("taken BETWEEN 0 AND put", name="none_left_below_zero"),
)

reward_orders = Table(
    "reward_orders",
    metadata,
    id_column(),
    Column("programme_id", BigInt, nullable=False),
    # Who ordered; a merge leaves it, as it leaves purchases.
    Column("member_id", BigInt, nullable=False),
    Column("key", Text, nullable=False),
    Column("reward", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    count("points", default=None),
    # Whether it took a piece of the stock.
    Column("counted", Boolean, nullable=False),
    Column("partner", Text),
    count("compensation_minor"),
    Column("code", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("ended_by", Text),
    UniqueConstraint("programme_id", "key"),
    UniqueConstraint("programme_id", "code"),
    *none_below_zero("compensation_minor"),
    CheckConstraint("points > 0", name="points_positive"),
    CheckConstraint("state IN ('ordered', 'handed_out', 'cancelled')", name="state_known"),
    CheckConstraint("(state = 'ordered') = (ended_at IS NULL)", name="ended_has_its_time"),
)
Index("ix_reward_orders_member", reward_orders.c.member_id, reward_orders.c.id)
Index("ix_reward_orders_programme", reward_orders.c.programme_id, reward_orders.c.id)
partial_index(
    "ix_reward_orders_partner",
    reward_orders.c.programme_id,
    reward_orders.c.partner,
    reward_orders.c.ended_at,
    where="partner IS NOT NULL AND state = 'handed_out'",
)
