"""A WooCommerce shop that stands in."""

from __future__ import annotations

import pytest

from tests.stand_ins.woocommerce import WooShop


@pytest.fixture
def woo():
    with WooShop() as shop:
        yield shop
