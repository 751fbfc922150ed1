"""UDS Partner API v2, spoken by the hub to tills and CRMs that know UDS.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.uds.manifest import MANIFEST
from connectors.uds.routes import OPERATION, REFUND
from connectors.uds.till import ROUTES
from loyalty_kit.ports import Connector

CONNECTOR = Connector(manifest=MANIFEST, webhooks=(OPERATION, REFUND), protocol=ROUTES)
