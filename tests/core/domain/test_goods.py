"""Which lines a rule means."""

from __future__ import annotations

from typing import Any

import pytest

from loyalty_core.domain.pricing.declare import read_record
from loyalty_core.domain.pricing.goods import Goods
from loyalty_core.domain.pricing.rule_type import View
from loyalty_kit.checkout import BasketLine
from loyalty_kit.events import LineKind

LINES = (
    BasketLine("0", 1000, 1, sku="TEA-1", categories=("tea", "black"), brand="Gold"),
    BasketLine("1", 1000, 1, sku="tea-2", categories=("Tea",), attributes=("new", "eco")),
    BasketLine("2", 1000, 1, sku="GIN-1", categories=("gin",), brand="gold", legal_class="alcohol"),
    BasketLine("3", 1000, 1),
    BasketLine("4", 1000, 1, kind=LineKind.DELIVERY),
)


@pytest.mark.parametrize(
    ("document", "meant"),
    [
        ({}, [0, 1, 2, 3]),
        ({"kinds": ["delivery"]}, [4]),
        ({"kinds": ["goods", "delivery"]}, [0, 1, 2, 3, 4]),
        ({"categories": ["tea"]}, [0, 1]),
        ({"categories": [" TEA "]}, [0, 1]),
        ({"skus": ["tea-1", "gin-1"]}, [0, 2]),
        ({"categories": ["black"], "skus": ["gin-1"]}, [0, 2]),
        ({"brands": ["GOLD"]}, [0, 2]),
        ({"categories": ["tea"], "brands": ["gold"]}, [0]),
        ({"attributes": ["eco", "promo"]}, [1]),
        ({"classes": ["alcohol"]}, [2]),
        ({"except_categories": ["gin"]}, [0, 1, 3]),
        ({"categories": ["tea"], "except_skus": ["TEA-2"]}, [0]),
        ({"except_attributes": ["new"], "except_categories": ["black"]}, [2, 3]),
        ({"categories": ["coffee"]}, []),
        ({"categories": ["coffee"], "brands": ["gold"]}, []),
    ],
)
def test_which_lines_are_meant(document: dict[str, Any], meant: list[int]):
    view = View(LINES, [1] * len(LINES), [True] * len(LINES))

    assert list(view.matching(read_record(Goods, document))) == meant
