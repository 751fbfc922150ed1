"""Column types that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

BigInt = BigInteger().with_variant(Integer, "sqlite")
"""63-bit integers; SQLite keys its rows by INTEGER alone."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly.  Raises: ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + _MICROSECOND * micros


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored as UTC microseconds (`ledger.md` 5)."""

    impl = BigInteger
    cache_ok = True

    # Asked for each value of each row: these, and not what SQLAlchemy builds around its hooks.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        return _told

    def process_literal_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return _told(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[int | None], datetime | None]:
        return _read


def _told(value: datetime | None) -> int | None:
    return None if value is None else to_micros(value)


def _read(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)
