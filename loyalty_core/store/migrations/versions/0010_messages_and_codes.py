"""Messages to members wait in the outbox, urgent ones first; confirmation codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column, create_index
from loyalty_core.store.types import BigInt, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("shop_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("cart", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime()),
        sa.CheckConstraint(
            "purpose IN ('spend', 'join')", name=op.f("ck_confirmations_purpose_known")
        ),
        sa.CheckConstraint("attempts BETWEEN 0 AND 5", name=op.f("ck_confirmations_attempts_few")),
        sa.CheckConstraint(
            "purpose <> 'spend' OR member_id IS NOT NULL",
            name=op.f("ck_confirmations_spend_has_member"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmations")),
        if_not_exists=True,
    )
    for of in ("address_hash", "member_id", "shop_id"):
        name = f"ix_confirmations_{of.removesuffix('_hash').removesuffix('_id')}"
        op.create_index(name, "confirmations", [of, "id"], if_not_exists=True)
    add_column("outbox", sa.Column("member_id", BigInt, nullable=True))
    add_column(
        "outbox", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    create_index("ix_outbox_member", "outbox", ["member_id"], where="member_id IS NOT NULL")
    create_index(
        "ix_outbox_urgent", "outbox", ["programme_id", "due_at"], where="state = 'due' AND urgent"
    )
