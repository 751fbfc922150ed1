"""Mail through a server that speaks SMTP.  Facts: `MAPPING.md`."""

from __future__ import annotations

from connectors.email.client import MailClient, Messages, make_client
from connectors.email.manifest import MANIFEST
from loyalty_kit.ports import Connector


def check(client: MailClient) -> None:
    """The server lets the login in; nothing is sent.

    Raises: what the client raises.
    """
    client.check()


CONNECTOR = Connector(manifest=MANIFEST, make_client=make_client, message=Messages(), check=check)
