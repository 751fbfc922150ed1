"""How what a column keeps is written: as the standard library's `json` would write it."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_core.store.codec import content_hash, json_text

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
DOCUMENTS = st.recursive(
    LEAVES, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=20
)


@given(DOCUMENTS)
def test_what_is_kept_says_what_was_given(document):
    assert json.loads(json_text(document)) == document


@given(DOCUMENTS)
def test_a_hash_is_of_the_bytes_that_json_writes_so_that_kept_ones_stay_good(document):
    told = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    assert content_hash(document) == hashlib.sha256(told.encode()).hexdigest()


@pytest.mark.parametrize("number", [0.00001, 3.5e-9, -2.5e-07, 0.0001, 1e16, 1.5e300])
def test_a_hash_of_small_numbers_stays_good_too(number):
    """Where the two libraries write a number apart: 1e-05 and 0.00001, 3.5e-09 and 3.5e-9."""
    told = json.dumps({"at": number}, separators=(",", ":"))

    assert content_hash({"at": number}) == hashlib.sha256(told.encode()).hexdigest()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"имя": "Чай «Ассам»\x00\x7f"}, '{"имя":"Чай «Ассам»\\u0000\x7f"}'),
        ([1, None, True, "\ud800"], '[1,null,true,"\\ud800"]'),
        (2**64, "18446744073709551616"),
    ],
)
def test_text_and_what_orjson_refuses(document, told):
    assert json_text(document) == told


def test_what_has_no_form_is_refused():
    with pytest.raises(TypeError):
        json_text({"at": datetime(2026, 11, 29, tzinfo=UTC)})
