"""SMS Aero: an SMS gateway.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.smsaero.client import AeroClient, Messages, Reports, make_client
from connectors.smsaero.manifest import MANIFEST
from loyalty_kit.ports import Connector


def check(client: AeroClient) -> None:
    """Login and key are good.

    Raises: what the client raises.
    """
    client.check()


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    message=Messages(),
    report=Reports(),
    check=check,
)
