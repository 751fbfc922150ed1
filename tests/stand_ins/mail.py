"""A real mail server (aiosmtpd), and one that is none, on sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.servers import free_port

LOGIN, PASSWORD = "shop@example.com", "mail-password-0042"


@dataclass
class MailServer:
    """What it took is in `asked`: (recipient, bytes)."""

    base_url: str
    asked: list[Any] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        return [
            cast(EmailMessage, message_from_bytes(one, policy=default)) for _, one in self.asked
        ]


@dataclass
class _Handler:
    server: MailServer
    says: Mapping[str, str]
    thinks_s: float

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.says.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if "RCPT" not in self.says:
            envelope.rcpt_tos.append(address)
        return self.says.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if "DATA" not in self.says:
            self.server.asked.append((envelope.rcpt_tos[0], envelope.content))
        await asyncio.sleep(self.thinks_s)
        return self.says.get("DATA", "250 OK")


def _is_ours(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(
        LOGIN.encode(), PASSWORD.encode()
    )
    return AuthResult(success=good, handled=False)


def _is_nobody(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=False, handled=False)


@contextmanager
def mail_server(
    says: Mapping[str, str] | None = None,
    *,
    let_in: bool = True,
    pem: Path | None = None,
    starttls: bool = False,
    thinks_s: float = 0.0,
) -> Iterator[MailServer]:
    """A server that wants a login.  `says`: its answer to MAIL, RCPT or DATA.  `pem`: with TLS.
    `thinks_s`: so long it looks at a mail that it has, before it answers."""
    port = free_port()
    server = MailServer(f"smtp://127.0.0.1:{port}")
    context = None
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    options: dict[str, Any] = {
        "authenticator": _is_ours if let_in else _is_nobody,
        "auth_require_tls": False,
    }
    if starttls:
        options |= {"tls_context": context, "require_starttls": True}
    handler = _Handler(server, says or {}, thinks_s)
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        ssl_context=None if starttls else context,
        **options,
    )
    if context is not None and not starttls:
        # The controller's own trial connection would not trust the certificate.
        controller._trigger_server = (  # type: ignore[method-assign]
            lambda: socket.create_connection(("127.0.0.1", port), 5).close()
        )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def no_mail_server(greeting: bytes | None) -> Iterator[MailServer]:
    """Something that says `greeting` and hangs up; None: it says nothing until it is closed."""
    closing = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if greeting is None:
                closing.wait()
            elif greeting:
                self.request.sendall(greeting)
                # Hanging up on what the other side still says would lose the greeting.
                self.request.recv(1000)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield MailServer(f"smtp://127.0.0.1:{server.server_address[1]}")
        finally:
            closing.set()
            server.shutdown()
            thread.join()
