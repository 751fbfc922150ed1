"""What our application on the terminal wrote into a receipt.  Pure.

    {"loyalty": {"v": 1, "cart": "...", "customer": "m_...", "discount": "207.00",
                 "spent": "207.00"}}

The cloud hands extras back by application, or flat, or as a text of JSON.  `cart` names the
quote, `customer` the member, `discount` is all that the quote took off (roubles), `spent` the
points in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from connectors.evotor import schemas
from connectors.evotor.schemas import Wire, opened
from connectors.evotor.units import Points
from loyalty_kit.checker import compile_load

OURS = "loyalty"


class Block(Wire):
    cart = schemas.ident()
    customer = schemas.ident()
    card = schemas.ident()
    phone = schemas.words()
    discount = schemas.roubles()
    spent = Points(load_default=None, allow_none=True)


_BLOCK = compile_load(Block())


def block_of(extras: Any, app_id: str) -> Mapping[str, Any] | None:
    """Our block, wherever it stands; None where there is none, or it cannot be read."""
    told = opened(extras)
    if not isinstance(told, Mapping):
        return None
    places = [told.get(app_id)] if app_id else list(told.values())
    for place in (*places, told):
        inside = opened(place)
        block = opened(inside.get(OURS)) if isinstance(inside, Mapping) else None
        if isinstance(block, Mapping):
            try:
                found: Mapping[str, Any] = _BLOCK(block)
            except ValidationError:
                return None
            return found
    return None
