"""What limits of promotions have counted, and the parts of holds and purchases in it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = ("programme_id", "owner", "promotion", "per", "period", "of", "starts_at")


def upgrade() -> None:
    op.create_table(
        "promotion_uses",
        *_key(),
        sa.Column("used", BigInt, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_promotion_uses_used_not_negative")),
        sa.CheckConstraint(
            "per IN ('promotion', 'shop', 'member')", name=op.f("ck_promotion_uses_per_known")
        ),
        sa.PrimaryKeyConstraint(*KEY, name=op.f("pk_promotion_uses")),
    )
    op.create_table(
        "promotion_use_parts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", BigInt, nullable=False),
        *_key(),
        sa.Column("amount", BigInt, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promotion_use_parts_amount_positive")),
        sa.CheckConstraint(
            "kind IN ('hold', 'purchase')", name=op.f("ck_promotion_use_parts_kind_known")
        ),
        sa.PrimaryKeyConstraint("kind", "ref", *KEY, name=op.f("pk_promotion_use_parts")),
    )
    member = sa.text("per = 'member'")
    op.create_index(
        "ix_promotion_use_parts_member",
        "promotion_use_parts",
        ["programme_id", "owner"],
        sqlite_where=member,
        postgresql_where=member,
    )


def _key() -> list[sa.Column[Any]]:
    return [
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("owner", BigInt, nullable=False),
        sa.Column("promotion", sa.Text(), nullable=False),
        sa.Column("per", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
    ]
