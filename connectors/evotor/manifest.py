"""What this connector says of itself."""

from __future__ import annotations

from connectors.evotor.settings import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="evotor",
    title={"ru": "Эвотор", "en": "Evotor"},
    summary={
        "ru": "Чеки, возвраты и товары смарт-терминалов. Скидки и списание баллов на кассе "
        "возможны только с приложением на терминале; без него баллы только начисляются.",
        "en": "Receipts, returns and goods of smart terminals. Discounts and points at the till "
        "need an application on the terminal; without it points are only earned.",
    },
    capabilities=frozenset(
        {
            Capability.WEBHOOK,
            Capability.FETCH,
            Capability.PULL,
            Capability.CATALOGUE,
            Capability.PROTOCOL,
            Capability.CHECK,
        }
    ),
    settings_schema=Settings,
)
