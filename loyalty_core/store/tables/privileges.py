"""What members have chosen and belong to.

Families of their own: no foreign key leads into the ledger family (`ledger.md` 31).
"""

from __future__ import annotations

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from loyalty_core.store.tables.base import metadata
from loyalty_core.store.types import BigInt, UtcTime

reward_choices = Table(
    "reward_choices",
    metadata,
    Column("member_id", BigInt, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reward", Text),
    PrimaryKeyConstraint("member_id", "at"),
)
