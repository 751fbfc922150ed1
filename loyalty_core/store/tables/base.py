"""What all tables share: one MetaData, its naming, and shapes of columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, MetaData, text

from loyalty_core.store.types import BigInt

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def count(name: str, *, default: int | None = 0) -> Column[Any]:
    """A whole number that is always there."""
    server = None if default is None else text(str(default))
    return Column(name, BigInt, nullable=False, server_default=server)


def id_column(name: str = "id") -> Column[Any]:
    return Column(name, BigInt, primary_key=True, autoincrement=False)


def none_below_zero(*names: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{name} >= 0", name=f"{name}_not_negative") for name in names]


def partial_index(name: str, *columns: Column[Any], where: str, unique: bool = False) -> Index:
    """An index over the few rows that are still of interest."""
    return Index(
        name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where)
    )
