"""What members chose: the form of their reward, and since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, UtcTime

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("members", sa.Column("reward", sa.Text(), nullable=True))
    op.create_table(
        "reward_choices",
        sa.Column("member_id", BigInt, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "at", name=op.f("pk_reward_choices")),
    )
