"""Moving in: a file is one import, under whatever name it comes; balances of several currencies of
points are compared by day.

What was brought in before has no hash of its content alone, so it stands in nobody's way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("imports", sa.Column("content_hash", sa.Text(), nullable=True))
    op.create_index(
        "uq_imports_content",
        "imports",
        ["programme_id", "kind", "content_hash"],
        unique=True,
        if_not_exists=True,
    )
    add_column("balance_comparisons", sa.Column("others", Json, nullable=True))
