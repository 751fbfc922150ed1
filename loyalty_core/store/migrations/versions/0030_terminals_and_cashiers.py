"""Which terminals a connection has, when each told a receipt last, and who sells at them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "terminals",
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("shop", sa.Text()),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("heard_at", UtcTime()),
        sa.PrimaryKeyConstraint("installation_id", "external_id", name=op.f("pk_terminals")),
        sa.CheckConstraint(
            "listed OR heard_at IS NOT NULL", name=op.f("ck_terminals_listed_or_heard")
        ),
        if_not_exists=True,
    )
    op.create_table(
        "cashiers",
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.PrimaryKeyConstraint("installation_id", "external_id", name=op.f("pk_cashiers")),
        sa.CheckConstraint("role IN ('admin', 'cashier')", name=op.f("ck_cashiers_role_known")),
        if_not_exists=True,
    )
