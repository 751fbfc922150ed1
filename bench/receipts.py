"""Receipts of ten lines, from members drawn by chance, each with a name of its own."""

from __future__ import annotations

import json
import random
from datetime import datetime
from itertools import count
from typing import Any

from bench.ground import Place
from bench.members import phone_of
from bench.programme import LINES, sku_of
from bench.till import CONNECTOR, HOOK
from hub.installations import create_installation
from hub.registry import registry_of
from hub.wiring import Hub
from loyalty_core.store.ids import from_wire

_tills = count(1)


class Till:
    """A till of the measured programme: its installation, and what it would deliver."""

    def __init__(self, place: Place) -> None:
        self.hub: Hub = place.hub(registry_of([CONNECTOR]))
        self.name = f"till {next(_tills)}"
        view = create_installation(
            self.hub,
            programme_id=place.programme.id,
            connector=CONNECTOR.manifest.code,
            name=self.name,
            settings={},
        )
        number = from_wire("i", view.id)
        assert number is not None
        self.installation, self.path = number, view.hooks[HOOK]
        self._members = len(place.programme.members)
        self._chance = random.Random(3)
        self._numbers = count(1)

    def receipt(self, now: datetime) -> tuple[str, bytes]:
        """Its name, which is the delivery's key, and its body."""
        name = f"{self.name}-{next(self._numbers)}"
        return name, json.dumps(
            receipt_of(name, self._chance.randrange(self._members), now)
        ).encode()


def receipt_of(name: str, place: int, now: datetime) -> dict[str, Any]:
    """A purchase in wire form; its categories are for the catalogue to fill in."""
    return {
        "type": "purchase",
        "external_id": name,
        "occurred_at": now.isoformat(),
        "customer": {"phone": phone_of(place), "verified": True},
        "lines": [
            {
                "id": str(line + 1),
                "sku": sku_of(line),
                "name": f"Product {line}",
                "quantity": "1",
                "price": f"{100 + line}.00",
                "amount": f"{100 + line}.00",
                "paid": f"{100 + line}.00",
            }
            for line in range(LINES)
        ],
    }
