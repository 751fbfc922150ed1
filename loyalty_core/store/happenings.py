"""Queries over events that are no receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from loyalty_core.store.tables import happenings


def happening(connection: Connection, key: tuple[int, str, str, str]) -> Any:
    """The row of (programme, source, kind, external id), or None."""
    programme_id, source, kind, external_id = key
    return connection.execute(
        select(happenings).where(
            happenings.c.programme_id == programme_id,
            happenings.c.source == source,
            happenings.c.kind == kind,
            happenings.c.external_id == external_id,
        )
    ).first()


def add_happening(connection: Connection, row: Mapping[str, Any]) -> None:
    connection.execute(insert(happenings).values(**row))
