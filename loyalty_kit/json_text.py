"""JSON that strangers send: decoded, and never deep.

Python 3.11 counts each level of nesting as a call. Its collector runs within such a call too, and
what it runs there (a finalizer, a pool's connection that comes back) fails and is lost where the
body has used the calls up. So depth is counted before anything is decoded.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

DEEPEST = 100
"""Levels of lists and objects in one another; vendors' documents have ten at most."""

_OPENERS = b"[{"
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = {bracket: 1 if bracket in _OPENERS else -1 for bracket in _BRACKETS}
# To its end also where a text is cut off, so that no start of one is tried twice.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


def read_json(body: bytes) -> Any:
    """What UTF-8 text says; a byte order mark is let pass, because 1C writes one.

    Raises: ValueError (not JSON, not UTF-8, or nested deeper than `DEEPEST`).
    """
    refuse_deep(body)
    return json.loads(body.removeprefix(codecs.BOM_UTF8).decode())


def refuse_deep(body: bytes) -> None:
    """Raises: ValueError, where decoding `body` would go deeper than `DEEPEST`."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    brackets = _STRING.sub(b"", body).translate(None, _OTHERS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEEPEST:
        raise ValueError("nested too deep")


def json_body(body: bytes, refusal: Callable[[str], Exception]) -> Any:
    """What a delivery says.  Raises: `refusal` of a connector, for what is no JSON."""
    try:
        return read_json(body)
    except ValueError:
        raise refusal("the body is not JSON") from None
