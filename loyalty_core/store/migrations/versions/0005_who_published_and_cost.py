"""Who put a version of the rules in force, beside who wrote it; and what goods cost the shop.

Until now one column told of writer and publisher.  What was published before has no publisher
of its own here: its author is who published it.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("rules_versions", sa.Column("published_by", sa.Text(), nullable=True))
    add_column("products", sa.Column("cost_minor", BigInt, nullable=True))
