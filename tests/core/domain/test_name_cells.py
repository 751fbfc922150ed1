"""Several names of one member in a cell: written by an export, read by an import."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.domain.members import card_key, external_key
from loyalty_core.domain.name_cells import ids_in, parts_of, written

AWKWARD = st.text(alphabet=st.sampled_from("ab7 ;:,|\\\t\u00a0é-'\"\n"), min_size=1, max_size=6)
SAID = AWKWARD.filter(str.strip)


@given(st.lists(st.tuples(SAID, SAID), min_size=1, max_size=4))
def test_ids_come_back_as_they_were(pairs):
    cell = written([external_key(*pair) for pair in pairs])["external"]

    assert ids_in(cell.strip()) == pairs


@given(st.lists(SAID.map(card_key).filter(lambda key: key.value), min_size=1, max_size=4))
def test_cards_come_back_as_they_were(cards):
    cell = written(cards)["card"]

    assert [card_key(part) for part in parts_of(cell.strip())] == cards


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("crm:17", [("crm", "17")]),
        ("crm:17; shop:a,b ;", [("crm", "17"), ("shop", "a,b")]),
        (r"crm:DOM\user", [("crm", r"DOM\user")]),
        (r"installation\:12:555", [("installation:12", "555")]),
        ("crm:5:6", [("crm", "5:6")]),
        ("17", [None]),
        ("crm:", [None]),
        (":17;crm:1", [None, ("crm", "1")]),
    ],
)
def test_ids_as_people_and_exports_write_them(cell, ids):
    assert ids_in(cell) == ids


@pytest.mark.parametrize(
    ("names", "cell"),
    [
        ([("installation:12", "555"), ("crm", "5;6")], r"installation\:12:555;crm:5\;6"),
        ([("crm", "a ")], "crm:a\\ ;"),
    ],
)
def test_what_is_written_is_plain_where_it_can_be(names, cell):
    assert written([external_key(*name) for name in names])["external"] == cell


def test_a_card_that_reads_like_nothing_is_something():
    assert written([card_key("none")]) == {
        "phone": "",
        "email": "",
        "card": "none;",
        "external": "",
    }
    assert parts_of("1; 2,3|4") == ["1", "2", "3", "4"]
