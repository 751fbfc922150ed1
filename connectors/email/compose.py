"""A message as mail.  Pure: the same message and key give the same bytes."""

from __future__ import annotations

import hashlib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from loyalty_kit.ports import Message, Settings


def compose(message: Message, settings: Settings, *, to: str, key: str) -> EmailMessage:
    """`to` is the address as it goes over the wire, in ASCII."""
    sender = settings["sender"]
    mark = hashlib.sha256(key.encode()).hexdigest()[:32]
    mail = EmailMessage(policy=SMTP)
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
