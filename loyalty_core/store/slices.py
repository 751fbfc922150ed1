"""Going through many rows a slice at a time, in the order of a column that is unique among them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, select


def last_of(
    connection: Connection, column: ColumnElement[Any], own: ColumnElement[bool], after: Any, n: int
) -> Any | None:
    """The `n`th value behind `after`, of the rows that are meant; None where there are not so
    many."""
    behind = select(column).where(own, column > after).order_by(column)
    return connection.scalar(behind.offset(n - 1).limit(1))


def between(
    column: ColumnElement[Any], after: Any, last: Any | None
) -> tuple[ColumnElement[bool], ...]:
    """Of the rows behind `after`: those up to `last`, or all."""
    return (column > after,) if last is None else (column > after, column <= last)
