"""Gift certificates: lots with their terms, codes with their money, and its movements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FIGURES = ("balance", "reserved", "owed", "expired", "loaded", "paid")


def upgrade() -> None:
    op.create_table(
        "certificate_lots",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("made", BigInt, server_default=sa.text("0"), nullable=False),
        sa.Column("nominal_minor", BigInt),
        sa.Column("life_days", BigInt),
        sa.Column("top_up", sa.Boolean(), nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("goods", Json, nullable=False),
        sa.Column("member_id", BigInt),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_certificate_lots_size_not_negative")),
        sa.CheckConstraint(
            "made >= 0 AND made <= size", name=op.f("ck_certificate_lots_made_within_size")
        ),
        sa.CheckConstraint("nominal_minor > 0", name=op.f("ck_certificate_lots_nominal_positive")),
        sa.CheckConstraint(
            "NOT loaded OR nominal_minor IS NOT NULL",
            name=op.f("ck_certificate_lots_loaded_with_nominal"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate_lots")),
        sa.UniqueConstraint(
            "programme_id", "name", name=op.f("uq_certificate_lots_programme_id_name")
        ),
        if_not_exists=True,
    )
    _certificates()
    _moves()


def _certificates() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", BigInt, autoincrement=False, nullable=False),
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("lot_id", BigInt, nullable=False),
        sa.Column("member_id", BigInt),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("nominal_minor", BigInt),
        *(
            sa.Column(f"{name}_minor", BigInt, server_default=sa.text("0"), nullable=False)
            for name in FIGURES
        ),
        sa.Column("activated_at", UtcTime()),
        sa.Column("activated_by", BigInt),
        sa.Column("expires_at", UtcTime()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("moves", BigInt, server_default=sa.text("0"), nullable=False),
        *(
            sa.CheckConstraint(
                f"{name}_minor >= 0", name=op.f(f"ck_certificates_{name}_minor_not_negative")
            )
            for name in FIGURES
        ),
        sa.CheckConstraint(
            "reserved_minor <= balance_minor", name=op.f("ck_certificates_reserved_within_balance")
        ),
        sa.CheckConstraint(
            "owed_minor = 0 OR balance_minor = reserved_minor",
            name=op.f("ck_certificates_nothing_free_in_debt"),
        ),
        sa.CheckConstraint(
            "balance_minor - owed_minor + expired_minor = loaded_minor - paid_minor",
            name=op.f("ck_certificates_figures_agree"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_certificates_programme_id_code")),
        if_not_exists=True,
    )
    op.create_index("ix_certificates_lot", "certificates", ["lot_id", "id"], if_not_exists=True)
    _index(
        "ix_certificates_member",
        "certificates",
        ["programme_id", "member_id"],
        "member_id IS NOT NULL",
    )
    _index(
        "ix_certificates_ending", "certificates", ["expires_at"], "balance_minor > reserved_minor"
    )


def _moves() -> None:
    op.create_table(
        "certificate_moves",
        sa.Column("certificate_id", BigInt, nullable=False),
        sa.Column("no", BigInt, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        *(sa.Column(f"d_{name}_minor", BigInt, nullable=False) for name in FIGURES),
        sa.Column("purchase_id", BigInt),
        sa.Column("hold_id", BigInt),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcTime(), nullable=False),
        sa.Column("booked_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('activate', 'top_up', 'reserve', 'release', 'pay', 'give_back', 'expire',"
            " 'void')",
            name=op.f("ck_certificate_moves_kind_known"),
        ),
        sa.CheckConstraint(
            "d_balance_minor - d_owed_minor + d_expired_minor = d_loaded_minor - d_paid_minor",
            name=op.f("ck_certificate_moves_changes_agree"),
        ),
        sa.CheckConstraint(
            "d_reserved_minor = 0 OR hold_id IS NOT NULL",
            name=op.f("ck_certificate_moves_reserved_by_a_hold"),
        ),
        sa.PrimaryKeyConstraint("certificate_id", "no", name=op.f("pk_certificate_moves")),
        sa.UniqueConstraint(
            "certificate_id", "key", name=op.f("uq_certificate_moves_certificate_id_key")
        ),
        if_not_exists=True,
    )
    for of in ("purchase", "hold"):
        name = f"ix_certificate_moves_{of}"
        _index(name, "certificate_moves", [f"{of}_id"], f"{of}_id IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    given = sa.text(where)
    op.create_index(
        name, table, columns, sqlite_where=given, postgresql_where=given, if_not_exists=True
    )
