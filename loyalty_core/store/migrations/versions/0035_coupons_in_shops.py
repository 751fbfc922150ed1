"""Which coupons of the programme shops have as their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coupon_pushes",
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("asked", BigInt, server_default=sa.text("1"), nullable=False),
        sa.Column("due_at", UtcTime()),
        sa.Column("told", sa.Text()),
        sa.Column("told_at", UtcTime()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_text", sa.Text()),
        sa.PrimaryKeyConstraint("installation_id", "code", name=op.f("pk_coupon_pushes")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_coupon_pushes_due",
        "coupon_pushes",
        ["installation_id", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_coupon_pushes_refused",
        "coupon_pushes",
        ["installation_id", "code"],
        sqlite_where=sa.text("error_code IS NOT NULL"),
        postgresql_where=sa.text("error_code IS NOT NULL"),
        if_not_exists=True,
    )
    add_column(
        "installations",
        sa.Column("makes_coupons", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    add_column("installations", sa.Column("coupons_due_at", UtcTime(), nullable=True))
    add_column(
        "installations",
        sa.Column("coupons_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    add_column("installations", sa.Column("coupon_terms", Json, nullable=True))
