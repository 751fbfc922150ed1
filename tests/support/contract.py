"""The sample events of the HTTP contract."""

from __future__ import annotations

from typing import Any

PURCHASE: dict[str, Any] = {
    "external_id": "77770000-1",
    "revision": 1,
    "status": "paid",
    "order": "A-1042",
    "cart": None,
    "shop": "main",
    "channel": "pos",
    "currency": "RUB",
    "occurred_at": "2026-03-14T18:42:00+03:00",
    "customer": {
        "phone": "+79000000001",
        "email": None,
        "card": None,
        "external": None,
        "verified": True,
    },
    "lines": [
        {
            "id": "1",
            "kind": "goods",
            "sku": "TEA-1",
            "name": "Чай",
            "quantity": "2",
            "price": "199.00",
            "amount": "398.00",
            "discount": "39.80",
            "spend": "100.00",
            "paid": "258.20",
            "categories": ["tea"],
            "class": "general",
        }
    ],
    "points_spent": "100.00",
    "hold": "h_1",
    "coupons": ["SPRING"],
    "certificates": [{"code": "G-1", "amount": "0.00"}],
    "payments": [{"kind": "card", "amount": "258.20"}],
    "fiscal": [{"fn": "1", "fd": "2", "fp": "3"}],
    "refunds": None,
    "cashier": "Ольга",
}

REFUND: dict[str, Any] = {
    "external_id": "88880000-1",
    "purchase": "77770000-1",
    "order": None,
    "fiscal": None,
    "shop": "main",
    "currency": "RUB",
    "occurred_at": "2026-03-16T11:05:00+03:00",
    "customer": None,
    "amount": "129.10",
    "lines": [{"id": "1", "sku": "TEA-1", "quantity": "1", "paid_back": "129.10"}],
    "reason": "return",
}
