"""Which shop is told of which member's balance; how far back-fills have come;
receipts with flags are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column, create_index
from loyalty_core.store.types import BigInt, UtcTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "balance_pushes",
        sa.Column("installation_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("asked", BigInt, server_default=sa.text("1"), nullable=False),
        sa.Column("due_at", UtcTime()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told", sa.Text()),
        sa.Column("told_at", UtcTime()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_text", sa.Text()),
        sa.PrimaryKeyConstraint("installation_id", "member_id", name=op.f("pk_balance_pushes")),
        if_not_exists=True,
    )
    op.create_index("ix_balance_pushes_member", "balance_pushes", ["member_id"], if_not_exists=True)
    op.create_index(
        "ix_balance_pushes_due",
        "balance_pushes",
        ["installation_id", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
        if_not_exists=True,
    )
    op.create_table(
        "backfills",
        sa.Column("installation_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text()),
        *[
            sa.Column(name, BigInt, server_default=sa.text("0"), nullable=False)
            for name in ("total", "found")
        ],
        sa.Column("due_at", UtcTime()),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_text", sa.Text()),
        sa.CheckConstraint(
            "stage IN ('counting', 'booking', 'counted', 'done', 'stopped')",
            name=op.f("ck_backfills_stage_known"),
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (stage IN ('counting', 'booking'))",
            name=op.f("ck_backfills_due_while_underway"),
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_backfills_total_not_negative")),
        sa.CheckConstraint("found >= 0", name=op.f("ck_backfills_found_not_negative")),
        sa.PrimaryKeyConstraint("installation_id", name=op.f("pk_backfills")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_backfills_due",
        "backfills",
        ["programme_id", "due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
        if_not_exists=True,
    )
    add_column(
        "installations",
        sa.Column("shows_balances", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    add_column("installations", sa.Column("balances_due_at", UtcTime(), nullable=True))
    add_column(
        "installations",
        sa.Column("balances_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    for table in ("purchases", "refunds"):
        create_index(
            f"ix_{table}_flagged",
            table,
            ["programme_id", "id"],
            where="CAST(flags AS TEXT) <> '[]'",
        )
