"""Alembic's door: runs on the connection that `migrate` hands in, or writes SQL for a dialect."""

from __future__ import annotations

from alembic import context

from loyalty_core.store.tables import metadata

attributes = context.config.attributes
where = (
    {"dialect_name": attributes["dialect"], "literal_binds": True}
    if context.is_offline_mode()
    else {"connection": attributes["connection"]}
)
dialect = attributes.get("dialect") or attributes["connection"].dialect.name
context.configure(
    **where,
    target_metadata=metadata,
    render_as_batch=dialect == "sqlite",
    compare_type=True,
    transaction_per_migration=dialect != "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
