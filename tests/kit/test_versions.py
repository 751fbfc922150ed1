"""Which versions of the kit a range takes."""

from __future__ import annotations

import pytest

from loyalty_kit.versions import fits


@pytest.mark.parametrize(
    ("version", "wanted", "taken"),
    [
        ("1.0", ">=1.0,<2", True),
        ("1", ">=1.0, <2", True),
        ("1.10", ">=1.9", True),
        ("2.0", ">=1.0,<2", False),
        ("0.9", ">=1.0,<2", False),
        ("1.2", "==1.2.0", True),
        ("1.2", "!=1.2", False),
        ("1.2", ">1.2", False),
        ("1.2", "<=1.2", True),
        ("1.0", "", False),
        ("1.0", "1.0", False),
        ("1.0", ">=1.0,", False),
    ],
)
def test_fits(version: str, wanted: str, taken: bool) -> None:
    assert fits(version, wanted) is taken
