"""How often members bought, and when last; and the channels that a key is bound to.

The history is kept by difference from now on; purchases of before count only where they change.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "members",
        sa.Column("purchase_count", BigInt, server_default=sa.text("0"), nullable=False),
    )
    add_column("members", sa.Column("last_purchase_at", UtcTime(), nullable=True))
    add_column("api_keys", sa.Column("channels", Json, nullable=True))
