"""SMSC: an SMS gateway.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.smsc.answers import Fetch, Pull
from connectors.smsc.client import Messages, Reports, SmscClient, make_client
from connectors.smsc.manifest import MANIFEST
from loyalty_kit.ports import Connector


def check(client: SmscClient) -> None:
    """The key is good and the account answers.

    Raises: what the client raises.
    """
    client.check()


CONNECTOR = Connector(
    manifest=MANIFEST,
    make_client=make_client,
    message=Messages(),
    report_by_address=Reports(),
    pull=Pull(),
    fetch=Fetch(),
    check=check,
)
