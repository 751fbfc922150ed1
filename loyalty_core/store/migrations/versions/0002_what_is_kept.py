"""Deliveries whose body is no longer kept, and the way to those whose time is up.

And an index goes that nothing read: each line of each receipt was written into it.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column, create_index, drop_index
from loyalty_core.store.types import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("deliveries", sa.Column("emptied_at", UtcTime(), nullable=True))
    create_index(
        "ix_deliveries_kept",
        "deliveries",
        ["done_at"],
        where="emptied_at IS NULL AND done_at IS NOT NULL",
    )
    drop_index("ix_purchase_lines_sku", "purchase_lines")
