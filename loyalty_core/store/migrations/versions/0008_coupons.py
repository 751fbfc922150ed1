"""Coupons: lots, codes with their counters, and which hold or purchase has used which."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coupon_lots",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("made", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=True),
        sa.Column("starts_at", UtcTime(), nullable=True),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_coupon_lots_size_not_negative")),
        sa.CheckConstraint(
            "made >= 0 AND made <= size", name=op.f("ck_coupon_lots_made_within_size")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'blocked')", name=op.f("ck_coupon_lots_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon_lots")),
        sa.UniqueConstraint("programme_id", "name", name=op.f("uq_coupon_lots_programme_id_name")),
    )
    _coupons()
    op.create_table(
        "coupon_uses",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", BigInt, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('hold', 'purchase')", name=op.f("ck_coupon_uses_kind_known")),
        sa.PrimaryKeyConstraint("kind", "ref", "programme_id", "code", name=op.f("pk_coupon_uses")),
    )
    op.create_index("ix_coupon_uses_code", "coupon_uses", ["programme_id", "code"])


def _coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("lot_id", BigInt, nullable=True),
        sa.Column("member_id", BigInt, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("most", BigInt, nullable=False),
        sa.Column("uses", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("over", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=True),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("issued_for", sa.Text(), nullable=True),
        sa.CheckConstraint("uses >= 0", name=op.f("ck_coupons_uses_not_negative")),
        sa.CheckConstraint("over >= 0", name=op.f("ck_coupons_over_not_negative")),
        sa.CheckConstraint("uses <= most", name=op.f("ck_coupons_uses_within_most")),
        sa.CheckConstraint("over = 0 OR uses = most", name=op.f("ck_coupons_over_only_past_most")),
        sa.CheckConstraint("most > 0", name=op.f("ck_coupons_most_positive")),
        sa.CheckConstraint(
            "state IN ('active', 'blocked', 'withdrawn')", name=op.f("ck_coupons_state_known")
        ),
        sa.PrimaryKeyConstraint("programme_id", "code", name=op.f("pk_coupons")),
    )
    op.create_index("ix_coupons_lot", "coupons", ["lot_id", "code"])
    for name, column, unique in (
        ("ix_coupons_member", "member_id", False),
        ("uq_coupons_issued_for", "issued_for", True),
    ):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            name,
            "coupons",
            ["programme_id", column],
            unique=unique,
            sqlite_where=given,
            postgresql_where=given,
        )
