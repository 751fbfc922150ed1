"""The terminal in the place of a gateway, to try the hub out.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.console.client import Messages, make_client
from connectors.console.manifest import MANIFEST
from loyalty_kit.ports import Connector

CONNECTOR = Connector(manifest=MANIFEST, make_client=make_client, message=Messages())
