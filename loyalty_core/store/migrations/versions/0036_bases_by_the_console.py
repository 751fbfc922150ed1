"""Files of members, balances and receipts come in by the console too."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column, widen_check
from loyalty_core.store.types import Json

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_LISTS = "'products', 'coupons', 'certificates'"


def upgrade() -> None:
    widen_check(
        "uploads",
        "ck_uploads_kind_known",
        f"kind IN ({_LISTS})",
        f"kind IN ({_LISTS}, 'members', 'balances', 'purchases')",
    )
    add_column(
        "uploads", sa.Column("columns", Json, server_default=sa.text("'[]'"), nullable=False)
    )
    add_column("uploads", sa.Column("counts", Json, server_default=sa.text("'{}'"), nullable=False))
