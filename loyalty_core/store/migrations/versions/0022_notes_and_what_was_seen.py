"""Notes that people write on members; what of the lists for a person was looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_notes",
        sa.Column("id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_member_notes_says_something")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_member_notes_member", "member_notes", ["member_id", "id"], if_not_exists=True
    )
    op.create_table(
        "looked_at",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("other", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id", "kind", "number", "other", name=op.f("pk_looked_at")
        ),
        sa.CheckConstraint(
            "kind IN ('purchase', 'refund', 'conflict')", name=op.f("ck_looked_at_kind_known")
        ),
        if_not_exists=True,
    )
