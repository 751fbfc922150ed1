"""Alembic's scripts; `loyalty_core.store.migrate` runs them."""
