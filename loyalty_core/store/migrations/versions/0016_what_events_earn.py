"""Events that are no purchases earn; cards of the programme's own; receipts by QR code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_products",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("happening_id", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("member_id", "rule", "product", name=op.f("pk_event_products")),
        if_not_exists=True,
    )
    op.create_table(
        "receipt_claims",
        sa.Column("programme_id", BigInt, nullable=False),
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("fn", "fd", "fp")],
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bought_at", UtcTime(), nullable=False),
        sa.Column("sum_minor", BigInt, nullable=False),
        sa.Column("purchase_id", BigInt),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'booked', 'refused')", name=op.f("ck_receipt_claims_state_known")
        ),
        sa.CheckConstraint(
            "state <> 'booked' OR purchase_id IS NOT NULL",
            name=op.f("ck_receipt_claims_booked_on_a_purchase"),
        ),
        sa.CheckConstraint("sum_minor >= 0", name=op.f("ck_receipt_claims_sum_minor_not_negative")),
        sa.PrimaryKeyConstraint("programme_id", "fn", "fd", "fp", name=op.f("pk_receipt_claims")),
        if_not_exists=True,
    )
    op.create_table(
        "cards",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.CheckConstraint(
            "ended_at IS NULL OR ended_at >= issued_at", name=op.f("ck_cards_ends_after_its_start")
        ),
        sa.PrimaryKeyConstraint("programme_id", "number", name=op.f("pk_cards")),
        if_not_exists=True,
    )
    op.create_index("ix_cards_member", "cards", ["member_id"], if_not_exists=True)
    op.create_index(
        "uq_cards_live",
        "cards",
        ["member_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_receipt_claims_member_id", "receipt_claims", ["member_id"], if_not_exists=True
    )
    add_column(
        "happenings", sa.Column("revision", BigInt, server_default=sa.text("1"), nullable=False)
    )
    add_column("happenings", sa.Column("state", sa.Text(), nullable=True))
    add_column("happenings", sa.Column("product", sa.Text(), nullable=True))
    add_column("happenings", sa.Column("booking", Json, nullable=True))
