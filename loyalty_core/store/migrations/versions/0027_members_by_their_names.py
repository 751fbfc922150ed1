"""Members are found by the beginning of a name without reading all of them."""

from __future__ import annotations

from loyalty_core.store.migrations.beside_traffic import create_index

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("first_name", "last_name", "middle_name"):
        create_index(
            f"ix_members_{name}",
            "members",
            ["programme_id", name],
            where=f"{name} IS NOT NULL",
            ops={name: "text_pattern_ops"},
        )
