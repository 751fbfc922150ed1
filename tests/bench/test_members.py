"""Members laid straight into the tables: their books are whole, and so are the indexes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from bench import members
from bench.measure import BenchFailed
from bench.members import Crowd, history, phone_of, settle_members
from loyalty_core.service.verify_ledger import rebuild_ledger, verify_ledger
from loyalty_core.store.database import read, write
from loyalty_core.store.tables import accounts, entries, entry_lots, identities, lots

JOINED = datetime(2026, 3, 1, tzinfo=UTC)
CROWD = Crowd(programme_id=7, count=203, entries=10, joined=JOINED)


def _silent(_: str) -> None:
    """Progress, for nobody."""


def _count(engine: Engine, table: Any) -> int:
    with read(engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _keys(engine: Engine) -> list[tuple[str, ...]]:
    """All indexes and constraints as PostgreSQL defines them."""
    with read(engine) as connection:
        indexes = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes"))
        constraints = connection.execute(
            text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint")
        )
        return sorted(tuple(row) for row in (*indexes, *constraints))


def test_a_history_begins_with_a_welcome_and_spends_what_it_earns() -> None:
    book = history(10, JOINED)

    assert book.entries_made == 10
    assert book.available == 100_000_00 + 10_00  # the last earning is not spent yet
    assert [lot.free for lot in book.lots.values()] == [100_000_00, 0, 0, 0, 0, 10_00]


def test_the_books_of_everybody_agree(engine: Engine) -> None:
    ids = settle_members(engine, CROWD, _silent)

    assert len(ids) == 203
    assert _count(engine, accounts) == 203
    assert _count(engine, entries) == 2030
    assert _count(engine, entry_lots) == 2030
    assert _count(engine, lots) == 6 * 203
    with read(engine) as connection:
        assert verify_ledger(connection) == []
        owner = select(identities.c.member_id).where(
            identities.c.programme_id == 7, identities.c.value == phone_of(202)
        )
        assert connection.scalar(owner) == ids[202]
    with write(engine) as connection:
        assert rebuild_ledger(connection) == 0


def test_no_index_is_lost(postgres_engine: Engine) -> None:
    before = _keys(postgres_engine)

    settle_members(postgres_engine, CROWD, _silent)

    assert _keys(postgres_engine) == before
    assert any(name == "ix_lots_open" for name, _ in before)


def test_books_that_do_not_agree_are_not_measured(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cheated(count: int, joined: datetime) -> Any:
        book = history(count, joined)
        book.available += 1
        return book

    monkeypatch.setattr(members, "history", cheated)

    with pytest.raises(BenchFailed, match="do not agree"):
        settle_members(engine, CROWD, _silent)
