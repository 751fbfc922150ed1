"""What this connector says of itself."""

from __future__ import annotations

from connectors.smsc.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="smsc",
    title={"ru": "SMSC.RU", "en": "SMSC"},
    summary={
        "ru": "Отправка SMS через smsc.ru.",
        "en": "SMS through smsc.ru.",
    },
    capabilities=frozenset(
        {
            Capability.MESSAGE,
            Capability.REPORT,
            Capability.PULL,
            Capability.FETCH,
            Capability.CHECK,
        }
    ),
    settings_schema=Settings,
    kit=">=1.3,<2",
)
