"""What this connector says of itself."""

from __future__ import annotations

from connectors.email.schemas import Settings
from loyalty_kit.manifest import Capability, Manifest

MANIFEST = Manifest(
    code="email",
    title={"ru": "Почта (SMTP)", "en": "Mail (SMTP)"},
    summary={
        "ru": "Письма через ваш почтовый сервер.",
        "en": "Mail through your own mail server.",
    },
    capabilities=frozenset({Capability.MESSAGE, Capability.CHECK}),
    settings_schema=Settings,
    kit=">=1.1,<2",
)
