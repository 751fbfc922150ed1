"""What this connector says of itself."""

from __future__ import annotations

from connectors.smsru.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="smsru",
    title={"ru": "SMS.RU", "en": "SMS.RU"},
    summary={
        "ru": "Отправка SMS через sms.ru.",
        "en": "SMS through sms.ru.",
    },
    capabilities=frozenset({Capability.MESSAGE, Capability.REPORT, Capability.CHECK}),
    settings_schema=Settings,
    kit=">=1.1,<2",
)
