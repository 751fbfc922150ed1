"""The first page reads neither all members nor all lines of a day, nor all receipts for flags.

Receipts of before have no `earned_points` of their own: their lines are summed where they are
asked for.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column, count_what, create_index
from loyalty_core.store.types import BigInt

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("purchases", sa.Column("earned_points", BigInt, nullable=True))
    for name in ("members_counted", "members_counted_to"):
        add_column(
            "programmes", sa.Column(name, BigInt, server_default=sa.text("0"), nullable=False)
        )
    create_index(
        "ix_members_gone",
        "members",
        ["programme_id"],
        where="state IN ('merged', 'erased')",
    )
    for table in ("purchases", "refunds"):
        count_what("CAST(flags AS TEXT)", table, name=f"st_{table}_flags")
