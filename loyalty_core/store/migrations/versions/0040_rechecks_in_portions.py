"""How far a shop was asked for changes that left no trace."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("installations", sa.Column("recheck_cursor", sa.Text(), nullable=True))
