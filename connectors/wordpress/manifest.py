"""What this connector says of itself."""

from __future__ import annotations

from connectors.wordpress.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="wordpress",
    title={"ru": "WooCommerce (WordPress)", "en": "WooCommerce (WordPress)"},
    summary={
        "ru": "Заказы, возвраты и каталог интернет-магазина на WooCommerce.",
        "en": "Orders, refunds and catalogue of an online shop on WooCommerce.",
    },
    capabilities=frozenset(
        {
            Capability.WEBHOOK,
            Capability.FETCH,
            Capability.PULL,
            Capability.CATALOGUE,
            Capability.CHECK,
            Capability.COMPANION,
            Capability.PUSH_BALANCE,
            Capability.PUSH_DISCOUNTS,
            Capability.SHOP_WEBHOOKS,
        }
    ),
    settings_schema=Settings,
    kit=">=1.5,<2",
)
