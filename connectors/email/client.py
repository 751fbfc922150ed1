"""Mail handed to the owner's server."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address

from connectors.email.compose import compose
from loyalty_kit.manifest import Channel
from loyalty_kit.ports import ClientContext, Message, Sent, Undeliverable
from loyalty_kit.smtp import Relay, greet, hand_over


def make_client(context: ClientContext) -> MailClient:
    return MailClient(context)


class MailClient:
    """One mail server, for one installation."""

    def __init__(self, context: ClientContext) -> None:
        given = context.settings
        self._settings = given
        self._relay = Relay(
            host=given["host"],
            port=given["port"],
            security=given["security"],
            login=given["login"],
            password=given["password"],
            name=given["sender"].rpartition("@")[2],
            allow_private=context.allow_private,
            per_second=float(given["per_second"]),
        )

    def check(self) -> None:
        greet(self._relay)

    def send(self, message: Message, key: str) -> Sent | Undeliverable:
        to = in_ascii(message.to)
        if to is None:
            return Undeliverable("not an address that mail can go to")
        mail = compose(message, self._settings, to=to, key=key)
        refused = hand_over(self._relay, mail, to=to, sender=self._settings["sender"])
        return refused or Sent(reference=str(mail["Message-ID"]))


class Messages:
    """Hands mail over.  The key becomes the Message-ID, by which some servers drop repeats."""

    channels = frozenset({Channel.EMAIL})

    def send(self, client: MailClient, message: Message, *, key: str) -> Sent | Undeliverable:
        return client.send(message, key)


def in_ascii(address: str) -> str | None:
    """An address with its domain as it stands in the DNS; None where it cannot be one."""
    name, at, domain = address.rpartition("@")
    bad = not at or not name.isascii() or any(ch in ' \t\r\n<>,;:"\\()[]@' for ch in name)
    if bad or not name or not domain:
        return None
    try:
        wire = f"{name}@{domain.encode('idna').decode()}"
        Address(addr_spec=wire)  # what a header cannot hold: two dots in a row, a dot at an end
    except (ValueError, HeaderParseError):
        return None
    return wire
