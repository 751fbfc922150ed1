"""What this connector says of itself."""

from __future__ import annotations

from connectors.uds.settings import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="uds",
    title={"ru": "Касса с протоколом UDS", "en": "A till that speaks UDS"},
    summary={
        "ru": "Кассы и CRM, которые умеют работать с UDS: поиск покупателя, расчёт, списание и "
        "начисление баллов, возвраты. В программе кассы должен меняться адрес сервера.",
        "en": "Tills and CRMs that can work with UDS: finding a buyer, reckoning, spending and "
        "earning points, returns. The till's program must let the server's address be changed.",
    },
    capabilities=frozenset({Capability.WEBHOOK, Capability.PROTOCOL}),
    settings_schema=Settings,
)
