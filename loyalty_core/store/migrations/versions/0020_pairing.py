"""Codes by which a shop's own side pairs with the hub."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pairing_codes",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("installation_id", BigInt, nullable=True),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_pairing_codes_code_hash")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_pairing_codes_expires_at", "pairing_codes", ["expires_at"], if_not_exists=True
    )


def downgrade() -> None:
    op.drop_table("pairing_codes")
