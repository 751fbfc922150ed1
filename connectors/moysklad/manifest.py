"""What this connector says of itself."""

from __future__ import annotations

from connectors.moysklad.settings import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="moysklad",
    title={"ru": "МойСклад", "en": "MoySklad"},
    summary={
        "ru": "Касса с баллами и сертификатами, продажи, возвраты, товары, балансы. Кассе "
        "нужно своё решение в МоемСкладе: приватное (платное) или черновик, который продлевают "
        "каждый день.",
        "en": "A till with points and gift cards, sales, returns, goods, balances. The till "
        "needs a solution of your own in MoySklad: a private one (paid), or a draft that is "
        "renewed every day.",
    },
    capabilities=frozenset(
        {
            Capability.WEBHOOK,
            Capability.FETCH,
            Capability.PULL,
            Capability.CATALOGUE,
            Capability.PROTOCOL,
            Capability.PUSH_BALANCE,
            Capability.FRAME,
            Capability.CHECK,
            Capability.SHOP_WEBHOOKS,
        }
    ),
    settings_schema=Settings,
)
