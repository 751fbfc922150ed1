"""A message as mail.  Pure: the same message and key give the same bytes."""

from __future__ import annotations

import hashlib
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime

from loyalty_kit.ports import Message, Settings


class _Whole(UnstructuredHeader):
    """Goes on one line, as it is.

    Python would write a long address as encoded words, which mail programs take for text and
    not for the address that RFC 8058, section 3.1, asks for.  A line may have 998 bytes.
    """

    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]  # it is mixed in there
_POLICY = SMTP.clone(header_factory=_HEADERS)


def compose(message: Message, settings: Settings, *, to: str, key: str) -> EmailMessage:
    """`to` is the address as it goes over the wire, in ASCII."""
    sender = settings["sender"]
    mark = hashlib.sha256(key.encode()).hexdigest()[:32]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(_line(settings["sender_name"]), addr_spec=sender)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = _line(message.subject or "")
    mail["Message-ID"] = f"<{mark}@{sender.rpartition('@')[2]}>"
    if message.made_at is not None:
        mail["Date"] = format_datetime(message.made_at)
    if settings["reply_to"]:
        mail["Reply-To"] = Address(addr_spec=settings["reply_to"])
    if message.unsubscribe is not None:
        # RFC 8058: the mail program's own button, one click.
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
        mail.set_boundary(f"=_{mark}")
    return mail


def _line(text: str) -> str:
    """No way to smuggle in a header."""
    return " ".join(text.split())
