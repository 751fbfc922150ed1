"""How an answer is written: the same bytes as the standard library's, whatever it tells."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.api.call import answer

LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text()
DOCUMENTS = st.recursive(
    LEAVES, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=20
)


@given(DOCUMENTS)
def test_it_is_the_same_json_byte_for_byte(document):
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    assert answer(document).body == written.encode()


@pytest.mark.parametrize(
    ("told", "body"),
    [
        ("\ud800", b'"?"'),
        ("a\ud83d b", b'"a? b"'),
        ("\ud83d\ude00", b'"??"'),
        ("Чай «Ассам»\x00\x7f\u2028", '"Чай «Ассам»\\u0000\x7f\u2028"'.encode()),
        ({"п": [1, None, True]}, '{"п":[1,null,true]}'.encode()),
    ],
)
def test_halves_of_a_pair_are_replaced_and_all_else_stays(told, body):
    assert answer(told).body == body


def test_what_has_no_form_on_the_wire_is_refused():
    with pytest.raises(TypeError):
        answer({"at": datetime(2026, 11, 29, tzinfo=UTC)})
