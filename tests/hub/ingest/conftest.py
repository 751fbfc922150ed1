import pytest

from tests.support.ingest import Shopfloor


@pytest.fixture
def shop(engine):
    return Shopfloor(engine)
