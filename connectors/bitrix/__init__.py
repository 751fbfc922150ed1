"""1C-Bitrix: Site Management: orders that the shop's module tells.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.bitrix.manifest import MANIFEST
from connectors.bitrix.routes import ORDERS
from loyalty_kit.ports import Connector

CONNECTOR = Connector(manifest=MANIFEST, webhooks=(ORDERS,))
