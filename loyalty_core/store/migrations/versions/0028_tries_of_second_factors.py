"""Wrong codes of a second factor are counted where all web processes see them."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import UtcTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "second_factors",
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    add_column("second_factors", sa.Column("tries_since", UtcTime(), nullable=True))
