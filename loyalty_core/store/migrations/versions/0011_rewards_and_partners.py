"""Rewards for points: stock and orders; partners with their prices, and whose a shop is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reward_stock",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("put", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("taken", BigInt, server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "taken BETWEEN 0 AND put", name=op.f("ck_reward_stock_none_left_below_zero")
        ),
        sa.PrimaryKeyConstraint("programme_id", "reward", name=op.f("pk_reward_stock")),
    )
    _orders()
    op.create_table(
        "partners",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_partners_programme_id_code")),
    )
    op.create_table(
        "partner_prices",
        sa.Column("partner_id", BigInt, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("price_minor", BigInt, nullable=False),
        sa.CheckConstraint(
            "price_minor >= 0", name=op.f("ck_partner_prices_price_minor_not_negative")
        ),
        sa.PrimaryKeyConstraint("partner_id", "currency", "since", name=op.f("pk_partner_prices")),
    )
    add_column("shops", sa.Column("partner_id", BigInt, nullable=True))


def _orders() -> None:
    op.create_table(
        "reward_orders",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("points", BigInt, nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("partner", sa.Text()),
        sa.Column("compensation_minor", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("ended_by", sa.Text()),
        sa.CheckConstraint(
            "compensation_minor >= 0",
            name=op.f("ck_reward_orders_compensation_minor_not_negative"),
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_reward_orders_points_positive")),
        sa.CheckConstraint(
            "state IN ('ordered', 'handed_out', 'cancelled')",
            name=op.f("ck_reward_orders_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'ordered') = (ended_at IS NULL)",
            name=op.f("ck_reward_orders_ended_has_its_time"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_orders")),
        sa.UniqueConstraint("programme_id", "key", name=op.f("uq_reward_orders_programme_id_key")),
        sa.UniqueConstraint(
            "programme_id", "code", name=op.f("uq_reward_orders_programme_id_code")
        ),
    )
    for of in ("member", "programme"):
        op.create_index(f"ix_reward_orders_{of}", "reward_orders", [f"{of}_id", "id"])
    handed_out = sa.text("partner IS NOT NULL AND state = 'handed_out'")
    op.create_index(
        "ix_reward_orders_partner",
        "reward_orders",
        ["programme_id", "partner", "ended_at"],
        sqlite_where=handed_out,
        postgresql_where=handed_out,
    )
