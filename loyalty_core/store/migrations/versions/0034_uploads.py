"""Files that the console brings in beside everything else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_COUNTS = ("total", "done", "added", "known", "rejected")


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", BigInt, nullable=False, autoincrement=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("headings", Json, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        *[sa.Column(name, BigInt, server_default=sa.text("0"), nullable=False) for name in _COUNTS],
        sa.Column("due_at", UtcTime()),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("began_at", UtcTime()),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("emptied_at", UtcTime()),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_facts", Json),
        sa.CheckConstraint(
            "kind IN ('products', 'coupons', 'certificates')", name=op.f("ck_uploads_kind_known")
        ),
        sa.CheckConstraint(
            "stage IN ('checking', 'checked', 'taking', 'done', 'failed', 'stopped', 'lapsed')",
            name=op.f("ck_uploads_stage_known"),
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (stage IN ('checking', 'taking'))",
            name=op.f("ck_uploads_due_while_underway"),
        ),
        *[
            sa.CheckConstraint(f"{name} >= 0", name=op.f(f"ck_uploads_{name}_not_negative"))
            for name in _COUNTS
        ],
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("programme_id", "kind", name=op.f("uq_uploads_programme_id_kind")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_uploads_kept",
        "uploads",
        ["changed_at"],
        sqlite_where=sa.text("emptied_at IS NULL"),
        postgresql_where=sa.text("emptied_at IS NULL"),
        if_not_exists=True,
    )
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", BigInt, nullable=False),
        sa.Column("number", BigInt, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_parts")),
        if_not_exists=True,
    )
    op.create_table(
        "upload_rejects",
        sa.Column("upload_id", BigInt, nullable=False),
        sa.Column("position", BigInt, nullable=False),
        sa.Column("lines", Json, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name=op.f("pk_upload_rejects")),
        if_not_exists=True,
    )


def downgrade() -> None:
    for name in ("upload_rejects", "upload_parts", "uploads"):
        op.drop_table(name)
