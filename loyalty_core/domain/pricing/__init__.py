"""Pricing: `price_basket`, `rate_purchase`, and the rule set compiled for them."""

from __future__ import annotations
