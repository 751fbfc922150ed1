"""When a shop's own webhooks are looked at next, which call to a connection was refused last, and
who has withdrawn the consent to processing."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_core.store.migrations.beside_traffic import add_column, create_index, fill_new
from loyalty_core.store.types import UtcTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column("installations", sa.Column("webhooks_due_at", UtcTime(), nullable=True))
    add_column("installations", sa.Column("refused_at", UtcTime(), nullable=True))
    add_column("installations", sa.Column("refused_code", sa.Text(), nullable=True))
    # Whose connector has none to look after has no such duty after its first.
    fill_new("UPDATE installations SET webhooks_due_at = pull_due_at")
    create_index(
        "ix_consent_states_withdrawn",
        "consent_states",
        ["at", "member_id"],
        where="purpose = 'processing' AND NOT given",
    )
