"""Keyed hashes of what systems called people who were erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erased_records",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "mark", name=op.f("pk_erased_records")),
        if_not_exists=True,
    )
