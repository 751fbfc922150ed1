"""Sessions one by one, second factors with codes for a lost phone, shops of cashiers, and which
programmes are still being set up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("admin_id", BigInt, nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "ix_console_sessions_admin", "console_sessions", ["admin_id"], if_not_exists=True
    )
    op.create_table(
        "second_factors",
        sa.Column("admin_id", BigInt, primary_key=True, autoincrement=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", BigInt, nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("admin_id", BigInt, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("used_at", UtcTime()),
        sa.PrimaryKeyConstraint("admin_id", "hash", name=op.f("pk_recovery_codes")),
        if_not_exists=True,
    )
    op.create_table(
        "second_factor_roles",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "role", name=op.f("pk_second_factor_roles")),
        sa.CheckConstraint(
            "role IN ('owner', 'marketer', 'support', 'cashier', 'viewer')",
            name=op.f("ck_second_factor_roles_role_known"),
        ),
        if_not_exists=True,
    )
    for table in ("staff", "invitations"):
        add_column(table, sa.Column("shops", Json, nullable=True))
    add_column(
        "programmes",
        sa.Column("being_set_up", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
