"""Fiscal signs without zeros before them; numbers of cards whose people were erased.

Signs that have zeros are written anew by the upkeep, which finds them by the index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import create_index
from loyalty_core.store.types import BigInt

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

PADDED = " OR ".join(
    f"(substr({part}, 1, 1) = '0' AND length({part}) > 1)" for part in ("fn", "fd", "fp")
)


def upgrade() -> None:
    op.create_table(
        "retired_cards",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_retired_cards")),
        if_not_exists=True,
    )
    create_index("ix_purchase_fiscal_padded", "purchase_fiscal", ["purchase_id"], where=PADDED)
