"""How far a shop is asked to show the balance of everybody whom it knows."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("installations", sa.Column("balance_walk", sa.Text(), nullable=True))
