"""What every connector must do, with a real mail server."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

from connectors.email import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.subject import Answered, RemoteSide
from tests.stand_ins.mail import LOGIN, PASSWORD, MailServer, mail_server, no_mail_server

SAYS = {
    "no such mailbox": {"RCPT": "550 5.1.1 someone@example.com is unknown"},
    "a text that is spam": {"DATA": "554 5.7.1 Spam"},
    "a sender that is refused": {"MAIL": "553 5.7.1 Not your address"},
    "a login that is wanted at the address": {"RCPT": "530 5.7.0 Authentication required"},
    "a login that is wanted at the text": {"DATA": "530 5.7.0 Authentication required"},
    "greylisting": {"RCPT": "451 4.7.1 Later"},
}
GREETINGS = {
    "429": b"421 4.7.0 Too many connections\r\n",
    "500": b"421 4.3.2 Shutting down\r\n",
    "a time-out": None,
    "a closed connection": b"",
    "HTML instead of JSON": b"<!doctype html>\r\n",
}


def form(base_url: str) -> dict[str, str]:
    parts = urlsplit(base_url)
    return {
        "host": parts.hostname or "",
        "port": str(parts.port or 465),
        "security": "none",
        "login": LOGIN,
        "password": PASSWORD,
        "sender": "shop@example.com",
        "per_second": "100",
    }


def stage(name: str | None) -> AbstractContextManager[MailServer]:
    if name in GREETINGS:
        return no_mail_server(GREETINGS[name])
    if name in ("401", "403"):
        return mail_server(let_in=False)
    return mail_server(SAYS.get(name or "", {}))


TestEmail = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings=form("smtp://mail.example.com:465"),
    sign=lambda webhook, body: {},
    remote=RemoteSide(
        settings=form,
        stage=stage,
        refusals={
            "no such mailbox": Answered("undeliverable"),
            "a text that is spam": Answered("undeliverable"),
            "a sender that is refused": Answered("remote_misconfigured"),
            "a login that is wanted at the address": Answered("credentials_rejected"),
            "a login that is wanted at the text": Answered("credentials_rejected"),
            "greylisting": Answered("rate_limited"),
        },
    ),
)
