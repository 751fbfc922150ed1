"""Moving in: how far files have come, their columns, and how old balances agree by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('members', 'balances', 'purchases')"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("bookmark", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=True),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_imports_position_not_negative")),
        sa.CheckConstraint("bookmark >= 0", name=op.f("ck_imports_bookmark_not_negative")),
        sa.CheckConstraint(_KINDS, name=op.f("ck_imports_kind_known")),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_imports_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint(
            "programme_id", "kind", "name", name=op.f("uq_imports_programme_id_kind_name")
        ),
        if_not_exists=True,
    )
    op.create_table(
        "import_columns",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pairs", Json, nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_import_columns_kind_known")),
        sa.PrimaryKeyConstraint("programme_id", "kind", "name", name=op.f("pk_import_columns")),
        if_not_exists=True,
    )
    counts = ("members", "differing", "unknown_rows")
    points = ("theirs_points", "ours_points", "unknown_points", "apart_points")
    op.create_table(
        "balance_comparisons",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        *[sa.Column(name, BigInt, server_default=sa.text("0"), nullable=False) for name in counts],
        *[sa.Column(name, BigInt, nullable=False) for name in points],
        sa.Column("made_at", UtcTime(), nullable=False),
        *[
            sa.CheckConstraint(
                f"{name} >= 0", name=op.f(f"ck_balance_comparisons_{name}_not_negative")
            )
            for name in counts
        ],
        sa.PrimaryKeyConstraint("programme_id", "day", name=op.f("pk_balance_comparisons")),
        if_not_exists=True,
    )
