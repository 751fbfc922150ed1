"""A programme on each database, for cases that a reader of the core thought of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.books import assert_books_add_up
from tests.support.ledger import Shop, open_programme


@pytest.fixture
def shop(engine: Engine) -> Iterator[Shop]:
    """10 % comes back, points live a year, what is missing becomes debt."""
    opened = open_programme(engine)
    yield opened
    assert_books_add_up(opened)
