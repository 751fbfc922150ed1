"""Roles of the console, invitations, and a log that nobody can rewrite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import fill_new, only_added_to
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_EVERYWHERE, _HERE = "programme_id IS NULL", "programme_id IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "staff",
        sa.Column("id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("admin_id", BigInt, nullable=False),
        sa.Column("programme_id", BigInt),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("day_points", BigInt),
        sa.Column("day", sa.Text()),
        sa.Column("given", BigInt, nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'marketer', 'support', 'cashier', 'viewer')",
            name=op.f("ck_staff_role_known"),
        ),
        sa.CheckConstraint("day_points >= 0", name=op.f("ck_staff_day_points_not_negative")),
        sa.CheckConstraint("given >= 0", name=op.f("ck_staff_given_not_negative")),
        if_not_exists=True,
    )
    for name, columns, where in (
        ("uq_staff_everywhere", ["admin_id"], _EVERYWHERE),
        ("uq_staff_programme", ["admin_id", "programme_id"], _HERE),
    ):
        op.create_index(
            name,
            "staff",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
            if_not_exists=True,
        )
    # Whoever had an account could do everything everywhere, and still can.
    fill_new(
        "INSERT INTO staff (id, admin_id, role, created_at) "
        "SELECT id, id, 'owner', created_at FROM admins WHERE true ON CONFLICT DO NOTHING"
    )
    op.create_table(
        "invitations",
        sa.Column("id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("day_points", BigInt),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("taken_at", UtcTime()),
        sa.UniqueConstraint("hash", name=op.f("uq_invitations_hash")),
        sa.CheckConstraint("ends_at > made_at", name=op.f("ck_invitations_ends_after_its_start")),
        if_not_exists=True,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("programme_id", BigInt),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "ix_audit_log_programme", "audit_log", ["programme_id", "id"], if_not_exists=True
    )
    only_added_to("audit_log")
