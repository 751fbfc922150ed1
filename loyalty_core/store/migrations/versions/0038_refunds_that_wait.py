"""Refunds that wait are found by what names their purchase, however many wait beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from loyalty_core.store.migrations.beside_traffic import create_index

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("ix_refunds_named", "refunds", ["programme_id", "purchase_external_id"])
    create_index("ix_refunds_order", "refunds", ["programme_id", "order"])
    is_sqlite = op.get_context().dialect.name == "sqlite"
    sign = "json_extract(document, '$.fiscal.fp')" if is_sqlite else "document #>> '{fiscal,fp}'"
    create_index("ix_refunds_sign", "refunds", ["programme_id", sa.text(f"ltrim({sign}, '0')")])
