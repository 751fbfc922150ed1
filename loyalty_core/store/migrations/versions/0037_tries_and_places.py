"""How often a file of the console was taken up, so that one over which workers die is given up;
and how far a shop's coupons are gone through when the rules change what they come to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import add_column
from loyalty_core.store.types import BigInt, Json

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of a file of each kind and programme there is one row, so the check is over at once.
    add_column(
        "uploads",
        sa.Column(
            "tries",
            BigInt,
            sa.CheckConstraint("tries >= 0", name=op.f("ck_uploads_tries_not_negative")),
            server_default=sa.text("0"),
            nullable=False,
        ),
    )
    add_column("installations", sa.Column("coupon_walk", Json, nullable=True))
