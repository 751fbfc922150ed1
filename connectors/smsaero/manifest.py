"""What this connector says of itself."""

from __future__ import annotations

from connectors.smsaero.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="smsaero",
    title={"ru": "SMS Aero", "en": "SMS Aero"},
    summary={
        "ru": "Отправка SMS через smsaero.ru.",
        "en": "SMS through smsaero.ru.",
    },
    capabilities=frozenset({Capability.MESSAGE, Capability.REPORT, Capability.CHECK}),
    settings_schema=Settings,
    kit=">=1.1,<2",
)
