"""The bench's own connector: a till whose deliveries are canonical events already.

The processes of the hub find it as any other, by entry point.
"""

from __future__ import annotations

import json

from loyalty_kit.events_schema import load_event
from loyalty_kit.manifest import Capability, Manifest
from loyalty_kit.ports import Connector, Context, InboundRequest, Settings, Translated, Webhook
from loyalty_kit.settings import SettingsSchema

HOOK = "receipts"


class BenchSettings(SettingsSchema):
    """Nothing needs to be set."""


def _verify(request: InboundRequest, settings: Settings) -> None:
    """Proofs are measured where the door is: with WooCommerce's signatures."""


def _delivery_key(request: InboundRequest) -> str:
    return str(json.loads(request.body)["external_id"])


def _translate(request: InboundRequest, context: Context) -> Translated:
    return (load_event(json.loads(request.body)),)


CONNECTOR = Connector(
    manifest=Manifest(
        code="bench",
        title={"en": "Bench", "ru": "Стенд"},
        summary={"en": "A till that says what is booked.", "ru": "Касса для замеров."},
        capabilities=frozenset({Capability.WEBHOOK}),
        settings_schema=BenchSettings,
    ),
    webhooks=(Webhook(HOOK, _verify, _delivery_key, _translate),),
)
