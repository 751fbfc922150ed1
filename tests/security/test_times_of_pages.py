"""Whoever reads a time on a page reads the shop's: here seven hours ahead of UTC."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from loyalty_core.store.database import write
from loyalty_core.store.tables import programmes
from tests.security.test_accessibility import own_paths
from tests.security.world import World

_TIME = re.compile(r'<time datetime="[^"]*?([+-]\d\d:\d\d|Z)"')
_SEEN_BY_A_MACHINE = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL)
_OF_UTC = re.compile(r"\bUTC\b(?!\+)|\d\d:\d\d\+00:00|\d\d:\d\dZ\b")


@pytest.fixture
def far_east(world: World) -> World:
    with write(world.hub.engine) as connection:
        connection.execute(update(programmes).values(timezone="Asia/Novosibirsk"))
    return world


def test_no_page_tells_a_time_of_utc(far_east: World):
    owner, shown = far_east.owner(), 0
    for path in own_paths(far_east):
        page = owner.page(path)
        offsets = set(_TIME.findall(page))
        assert offsets <= {"+07:00"}, (path, offsets)
        shown += len(offsets)
        assert _OF_UTC.search(_SEEN_BY_A_MACHINE.sub(" ", page)) is None, path
    assert shown > 15, "pages with times were among them"


def test_ones_account_tells_them_by_the_first_programme(far_east: World):
    page = far_east.owner().page("/admin/account/")

    assert set(_TIME.findall(page)) == {"+07:00"}
