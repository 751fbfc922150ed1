"""Tiers that are lost by time: when the next change comes, and what the job looks at then.

Members of before are rated anew by the job, once, by the ladder in force: `tiers_cursor` is
how far it has come, and none where nothing is to be done.
"""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column, create_index
from loyalty_core.store.types import BigInt, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("next_tier_at", "tier_look_at", "tier_warned_of"):
        add_column("members", sa.Column(name, UtcTime(), nullable=True))
    add_column(
        "programmes",
        sa.Column("tiers_cursor", BigInt, server_default=sa.text("0"), nullable=True),
    )
    create_index(
        "ix_members_tier_look",
        "members",
        ["tier_look_at"],
        where="tier_look_at IS NOT NULL",
    )
    create_index(
        "ix_happenings_member",
        "happenings",
        ["member_id", "occurred_at"],
        where="member_id IS NOT NULL",
    )
