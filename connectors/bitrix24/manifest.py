"""What this connector says of itself."""

from __future__ import annotations

from connectors.bitrix24.settings import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="bitrix24",
    title={"ru": "Битрикс24", "en": "Bitrix24"},
    summary={
        "ru": "Заказы магазина или выигранные сделки, товары; баланс в карточке контакта. "
        "Скидок при оформлении здесь нет: Битрикс24 не спрашивает о них никого.",
        "en": "Orders of the store or deals that are won, goods; the balance on the contact's "
        "card. No discounts at the checkout: Bitrix24 asks nobody for them.",
    },
    capabilities=frozenset(
        {
            Capability.WEBHOOK,
            Capability.FETCH,
            Capability.PULL,
            Capability.CATALOGUE,
            Capability.PROTOCOL,
            Capability.PUSH_BALANCE,
            Capability.CHECK,
        }
    ),
    settings_schema=Settings,
)
