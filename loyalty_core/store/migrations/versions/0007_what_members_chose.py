"""What members have alone: the form of reward they chose, goods of their own, their clubs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("members", sa.Column("reward", sa.Text(), nullable=True))
    op.create_table(
        "reward_choices",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "at", name=op.f("pk_reward_choices")),
    )
    op.create_table(
        "member_goods",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", UtcTime(), nullable=True),
        sa.CheckConstraint("kind IN ('sku', 'category')", name=op.f("ck_member_goods_kind_known")),
        sa.PrimaryKeyConstraint("member_id", "list", "kind", "key", name=op.f("pk_member_goods")),
    )
    op.create_table(
        "list_fillings",
        sa.Column("programme_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("rules_version", BigInt, nullable=False),
        sa.Column("after", BigInt, nullable=True),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_list_fillings")),
    )
    op.create_table(
        "club_grants",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("club", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", BigInt, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("days", BigInt, nullable=True),
        sa.Column("until", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('purchase', 'shop', 'end')", name=op.f("ck_club_grants_kind_known")
        ),
        sa.CheckConstraint("days IS NULL OR days > 0", name=op.f("ck_club_grants_days_positive")),
        sa.PrimaryKeyConstraint("member_id", "club", "kind", "ref", name=op.f("pk_club_grants")),
    )
    op.create_table(
        "memberships",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("club", sa.Text(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "source IN ('purchase', 'shop')", name=op.f("ck_memberships_source_known")
        ),
        sa.CheckConstraint(
            "until IS NULL OR until > starts_at", name=op.f("ck_memberships_ends_after_its_start")
        ),
        sa.PrimaryKeyConstraint("member_id", "club", "starts_at", name=op.f("pk_memberships")),
    )
    op.create_table(
        "event_places",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("places", BigInt, nullable=False),
        sa.Column("taken", BigInt, nullable=False),
        sa.CheckConstraint(
            "taken BETWEEN 0 AND places", name=op.f("ck_event_places_not_overbooked")
        ),
        sa.PrimaryKeyConstraint("programme_id", "event", name=op.f("pk_event_places")),
    )
    op.create_table(
        "event_guests",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "event", "member_id", name=op.f("pk_event_guests")),
    )
    op.create_index(op.f("ix_event_guests_member_id"), "event_guests", ["member_id"])
