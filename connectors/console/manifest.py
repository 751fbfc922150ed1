"""What this connector says of itself."""

from __future__ import annotations

from connectors.console.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="console",
    title={"ru": "Терминал (проба)", "en": "Terminal (trial)"},
    summary={
        "ru": "Ничего не отправляет: показывает в журнале, что ушло бы.",
        "en": "Sends nothing: the log shows what would go out.",
    },
    capabilities=frozenset({Capability.MESSAGE}),
    settings_schema=Settings,
    kit=">=1.1,<2",
)
