"""Declared links between connections, and what each sighting of a linked purchase told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column, create_index
from loyalty_core.store.types import BigInt, Json

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "linked_sources",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_in", sa.Text(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("truth", sa.Text()),
        sa.PrimaryKeyConstraint(
            "programme_id", "source", "seen_in", name=op.f("pk_linked_sources")
        ),
        sa.CheckConstraint("source <> seen_in", name=op.f("ck_linked_sources_of_two")),
        sa.CheckConstraint(
            "field IN ('order', 'external_id')", name=op.f("ck_linked_sources_field_known")
        ),
        sa.CheckConstraint(
            "truth IN (source, seen_in)", name=op.f("ck_linked_sources_truth_of_the_two")
        ),
        if_not_exists=True,
    )
    op.create_table(
        "parted_purchases",
        sa.Column("purchase_id", BigInt, nullable=False),
        sa.Column("other_id", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("purchase_id", "other_id", name=op.f("pk_parted_purchases")),
        sa.CheckConstraint("purchase_id < other_id", name=op.f("ck_parted_purchases_lower_first")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_parted_purchases_other_id", "parted_purchases", ["other_id"], if_not_exists=True
    )
    add_column("purchases", sa.Column("linked_by", sa.Text(), nullable=True))
    add_column("purchases", sa.Column("own", Json, nullable=True))
    add_column("purchases", sa.Column("own_member_id", BigInt, nullable=True))
    create_index(
        "ix_purchases_linked", "purchases", ["programme_id", "id"], where="linked_to IS NOT NULL"
    )
    create_index(
        "ix_purchases_own_member",
        "purchases",
        ["own_member_id"],
        where="own_member_id IS NOT NULL",
    )
