"""How much of a product a shop has; which documents have a say in another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.types import BigInt, UtcTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_stock",
        sa.Column("programme_id", BigInt, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("quantity_milli", BigInt, nullable=False),
        sa.Column("counted_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "sku", "shop", name=op.f("pk_product_stock")),
        if_not_exists=True,
    )
    op.create_table(
        "document_links",
        sa.Column("installation_id", BigInt, nullable=False),
        *[
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "ref", "by_kind", "by_ref")
        ],
        sa.PrimaryKeyConstraint(
            "installation_id", "kind", "ref", "by_kind", "by_ref", name=op.f("pk_document_links")
        ),
        if_not_exists=True,
    )
    op.create_index(
        "ix_document_links_by",
        "document_links",
        ["installation_id", "by_kind", "by_ref"],
        if_not_exists=True,
    )
