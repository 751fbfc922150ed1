"""Volume and strength of drinks in the catalogue, where the law has least prices by them."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("volume_ml", "strength_bp"):
        add_column("products", sa.Column(name, BigInt, nullable=True))
