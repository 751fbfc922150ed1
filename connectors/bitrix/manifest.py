"""What this connector says of itself."""

from __future__ import annotations

from connectors.bitrix.settings import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="bitrix",
    title={"ru": "1С-Битрикс: Управление сайтом", "en": "1C-Bitrix: Site Management"},
    summary={
        "ru": "Заказы, оплаты и возвраты интернет-магазина; скидки и баллы в корзине. В магазин "
        "ставится модуль. Битрикс24 — другой продукт, он сюда не подключается.",
        "en": "Orders, payments and refunds of an online shop; discounts and points in the "
        "basket. The shop installs a module. Bitrix24 is another product and not connected here.",
    },
    capabilities=frozenset({Capability.WEBHOOK}),
    settings_schema=Settings,
)
