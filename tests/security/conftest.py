from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.security.world import World, make_world


@pytest.fixture
def world(sqlite_engine: Engine) -> World:
    return make_world(sqlite_engine)
