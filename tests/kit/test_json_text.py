"""JSON of strangers: what is read, what is too deep, and that nothing of ours breaks in between."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_kit.errors import PayloadInvalid, Unreadable
from loyalty_kit.json_text import DEEPEST, json_body, read_json

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a:,я'),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(alphabet='[{"\\k'), inside),
    max_leaves=30,
)


def nested(levels: int, inside: Any) -> Any:
    """`inside` within so many lists and objects, by turns."""
    for level in range(levels):
        inside = {"a": inside} if level % 2 else [inside]
    return inside


def depth(tree: Any) -> int:
    if not isinstance(tree, dict | list):
        return 0
    below = tree.values() if isinstance(tree, dict) else tree
    return 1 + max(map(depth, below), default=0)


@given(tree=TREES, levels=st.integers(DEEPEST - 8, DEEPEST + 2), ascii_only=st.booleans())
def test_a_tree_is_read_as_it_is_unless_it_is_too_deep(tree: Any, levels: int, ascii_only: bool):
    tree = nested(levels, tree)
    body = json.dumps(tree, ensure_ascii=ascii_only).encode()
    if depth(tree) <= DEEPEST:
        assert read_json(body) == tree
    else:
        with pytest.raises(ValueError, match="nested too deep"):
            read_json(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="a byte order mark"),
        pytest.param(b'"' + b"[" * 5000 + b'"', "[" * 5000, id="brackets in a text"),
        pytest.param(
            b'"\\"' + b"{" * 5000 + b'\\\\"', '"' + "{" * 5000 + "\\", id="and behind a quote"
        ),
        pytest.param(b"[" + b"[]," * 5000 + b"1]", [[]] * 5000 + [1], id="wide"),
        pytest.param(b" " * 5000 + b"1.50", 1.5, id="a number"),
    ],
)
def test_what_is_read(body: bytes, told: Any):
    assert read_json(body) == told


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * 100_000, id="deep lists"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="deep objects"),
        pytest.param(b'["]]]]", ' * 5000, id="closed in texts only"),
        pytest.param(b'["\\"]]]]", ' * 5000, id="closed behind quotes in texts"),
        pytest.param(b'"' + b'\\"[' * 300_000, id="a text that does not end"),
        pytest.param(b'"' + b"[" * 5000 + b"\\", id="a text that ends with half an escape"),
        pytest.param(b"]" * 5000 + b"[" * 5000, id="closed beforehand"),
    ],
)
def test_what_is_refused(body: bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        read_json(body)
    for refusal in (PayloadInvalid, Unreadable):
        with pytest.raises(refusal, match="the body is not JSON"):
            json_body(body, refusal)


def deeper(levels: int) -> int:
    return levels and deeper(levels - 1)


@pytest.fixture
def failed() -> Iterator[list[RecursionError]]:
    """The collector runs at each object that is made, and what it runs needs fifty calls."""
    found: list[RecursionError] = []

    def finalizer(phase: str, info: dict[str, int]) -> None:
        try:
            deeper(50)
        except RecursionError as error:
            found.append(error)

    usual = gc.get_threshold()
    gc.callbacks.append(finalizer)
    gc.set_threshold(1)
    yield found
    gc.set_threshold(*usual)
    gc.callbacks.remove(finalizer)


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
def test_what_the_collector_runs_meanwhile_does_not_fail(
    opener: bytes, failed: list[RecursionError]
):
    with pytest.raises(RecursionError):
        json.loads(opener * 100_000)
    assert failed or sys.version_info >= (3, 12), "it can be seen; later Pythons count otherwise"
    failed.clear()
    with pytest.raises(ValueError, match="nested too deep"):
        read_json(opener * 100_000)
    assert read_json(opener * DEEPEST + b"0" + (b"]" if opener == b"[" else b"}") * DEEPEST)
    assert not failed
