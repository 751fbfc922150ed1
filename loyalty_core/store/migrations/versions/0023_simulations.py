"""Simulations of drafts that the console asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "simulations",
        sa.Column("programme_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("draft", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        *[
            sa.Column(name, BigInt, server_default=sa.text("0"), nullable=False)
            for name in ("total", "done")
        ],
        sa.Column("due_at", UtcTime()),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("error_code", sa.Text()),
        sa.Column("result", Json),
        sa.CheckConstraint(
            "stage IN ('underway', 'done', 'failed', 'stopped')",
            name=op.f("ck_simulations_stage_known"),
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (stage = 'underway')",
            name=op.f("ck_simulations_due_while_underway"),
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_simulations_total_not_negative")),
        sa.CheckConstraint("done >= 0", name=op.f("ck_simulations_done_not_negative")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_simulations")),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_table("simulations")
