"""A hold whose time was up is told from one that was let go."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("holds", sa.Column("ran_out", sa.Boolean(), nullable=True))
