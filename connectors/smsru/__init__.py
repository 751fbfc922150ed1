"""SMS.RU: an SMS gateway.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.smsru.client import Messages, Reports, SmsRuClient, make_client
from connectors.smsru.manifest import MANIFEST
from loyalty_kit.ports import Connector


def check(client: SmsRuClient) -> None:
    """The key is good and the account answers.

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
