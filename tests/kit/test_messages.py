"""How long a text is as SMS, and prices."""

from __future__ import annotations

import pytest

from loyalty_kit.messages import Segments, cost_minor, price_minor, segments
from loyalty_kit.redact import masked_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm7", 0, 1)),
        ("a" * 160, Segments("gsm7", 160, 1)),
        ("a" * 161, Segments("gsm7", 161, 2)),
        ("a" * 306, Segments("gsm7", 306, 2)),
        ("a" * 307, Segments("gsm7", 307, 3)),
        ("€" * 80, Segments("gsm7", 160, 1)),
        # 153 is odd: the escape and its character do not part, so a part holds 76 of them.
        ("€" * 153, Segments("gsm7", 306, 3)),
        ("я" * 70, Segments("ucs2", 70, 1)),
        ("я" * 71, Segments("ucs2", 71, 2)),
        ("я" * 134, Segments("ucs2", 134, 2)),
        ("я" * 135, Segments("ucs2", 135, 3)),
        ("🎁" * 35, Segments("ucs2", 70, 1)),
        ("🎁" * 67, Segments("ucs2", 134, 3)),
    ],
)
def test_parts_of_a_text(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize(("told", "minor"), [("0", 0), ("3.5", 350), ("3,50", 350), ("12", 1200)])
def test_a_price_in_kopecks(told: str, minor: int) -> None:
    assert price_minor(told) == minor


@pytest.mark.parametrize(
    ("told", "minor"),
    [
        ("5.49", 549),
        (5.49, 549),
        ("0.005", 1),
        (7, 700),
        ("much", None),
        (None, None),
        (True, None),
    ],
)
def test_a_cost_as_a_gateway_tells_it(told: object, minor: int | None) -> None:
    assert cost_minor(told) == minor


def test_addresses_are_masked() -> None:
    assert masked_address("+79001234567") == "***67"
    assert masked_address("anna@example.com") == "a***@example.com"
