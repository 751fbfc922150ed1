"""SMTP with the manners of `transport`: guarded addresses, time-outs, pace, sorted errors.

A message that a server took is never handed over twice by this module: nothing is repeated here.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal

from loyalty_kit.addresses import open_socket
from loyalty_kit.errors import (
    AnswerLost,
    ConnectorError,
    CredentialsRejected,
    RateLimited,
    RemoteMisconfigured,
    RemoteUnavailable,
)
from loyalty_kit.pacing import Pace, Pacer
from loyalty_kit.ports import Undeliverable
from loyalty_kit.transport import Guard

Security = Literal["tls", "starttls", "none"]
TIMEOUT_S = 20.0
"""For each answer of the server."""
_WANTS_LOGIN = frozenset({530, 534, 535, 538})
"""RFC 4954, section 6: at whatever it is asked, the server wants another login first."""
LATER_S = 300.0
"""Servers that do not know us yet say "later" and mean minutes."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server that takes our messages.  `name` is how we greet it: our own domain."""

    host: str
    port: int
    security: Security
    login: str
    password: str = field(repr=False)
    name: str
    allow_private: bool
    per_second: float | None = None
    pacer: Pacer | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pacer = Pacer(Pace.per_second(self.per_second)) if self.per_second else None
        object.__setattr__(self, "pacer", pacer)


class _Plain(smtplib.SMTP):
    """smtplib's client over a guarded connection."""

    def __init__(self, *, allow_private: bool, **kwargs: Any) -> None:
        self._allow_private = allow_private
        super().__init__(**kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return open_socket(host, port, timeout, allow_private=self._allow_private)


class _Tls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte on."""

    def __init__(self, *, allow_private: bool, context: ssl.SSLContext, **kwargs: Any) -> None:
        self._allow_private = allow_private
        self._tls = context
        super().__init__(context=context, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = open_socket(host, port, timeout, allow_private=self._allow_private)
        try:
            return self._tls.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def greet(relay: Relay) -> None:
    """Connect and log in, and send nothing.  Raises: what `hand_over` raises."""
    with _conversation(relay):
        pass


def hand_over(relay: Relay, message: EmailMessage, *, to: str, sender: str) -> Undeliverable | None:
    """Give one message to the server; None: it was taken.

    Raises: AnswerLost, CredentialsRejected, RateLimited, RemoteMisconfigured, RemoteUnavailable.
    """
    pacer = relay.pacer
    with nullcontext() if pacer is None else pacer.turn(f"{relay.host}:{relay.port}"):
        return _hand_over(relay, message, to, sender)


def _hand_over(relay: Relay, message: EmailMessage, to: str, sender: str) -> Undeliverable | None:
    with _conversation(relay) as client:
        try:
            client.send_message(message, from_addr=sender, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            return _undeliverable(relay, code, "address", "the server refuses the address")
        except smtplib.SMTPDataError as error:
            return _undeliverable(relay, error.smtp_code, "content", "the server refuses the text")
        except (smtplib.SMTPServerDisconnected, TimeoutError, ConnectionError) as error:
            # Servers that look at a mail before they answer may take their time, and then take it.
            raise AnswerLost(f"{relay.host}: {type(error).__name__}") from None
    return None


def _undeliverable(relay: Relay, code: int, kind: Any, what: str) -> Undeliverable:
    """Raises: RateLimited for a refusal that may pass, CredentialsRejected for one of us."""
    if code in _WANTS_LOGIN:
        raise _login_wanted(relay.host, code)
    if code < 500:
        raise RateLimited(f"{relay.host} answered {code}", retry_after_s=LATER_S)
    return Undeliverable(f"{what} ({code})", kind)


@contextmanager
def _conversation(relay: Relay) -> Iterator[smtplib.SMTP]:
    """A connection that is logged in; errors of the server and of the way to it are sorted."""
    if relay.security == "none" and not relay.allow_private:
        raise RemoteMisconfigured("mail without encryption is for servers of one's own network")
    client: smtplib.SMTP | None = None
    try:
        client = _connected(relay)
        yield client
    except (smtplib.SMTPException, OSError) as error:
        # Not chained: the texts of servers may hold the address.
        raise _sorted(relay, error) from None
    finally:
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()


def _connected(relay: Relay) -> smtplib.SMTP:
    longest = Guard.longest_s
    common: dict[str, Any] = {
        "allow_private": relay.allow_private,
        "host": relay.host,
        "port": relay.port,
        "local_hostname": relay.name,
        "timeout": TIMEOUT_S if longest is None else min(TIMEOUT_S, longest),
    }
    if relay.security == "tls":
        client: smtplib.SMTP = _Tls(context=ssl.create_default_context(), **common)
    else:
        client = _Plain(**common)
    try:
        if relay.security == "starttls":
            client.starttls(context=ssl.create_default_context())
        if relay.login:
            client.login(relay.login, relay.password)
    except BaseException:
        client.close()
        raise
    return client


def _sorted(relay: Relay, error: Exception) -> ConnectorError:
    host = relay.host
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return CredentialsRejected(f"{host} refuses the login ({error.smtp_code})")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return RemoteMisconfigured(f"{host} does not offer what the settings ask for")
    if isinstance(error, ssl.SSLCertVerificationError):
        return RemoteMisconfigured(f"{host}: its certificate is not valid")
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(host, error)
    if isinstance(error, smtplib.SMTPHeloError):
        return RemoteMisconfigured(f"{host} does not greet as a mail server")
    return RemoteUnavailable(f"{host}: {type(error).__name__}")


def _login_wanted(host: str, code: int) -> CredentialsRejected:
    return CredentialsRejected(f"{host} wants another login ({code})")


def _answered(host: str, error: smtplib.SMTPResponseException) -> ConnectorError:
    code = error.smtp_code
    if code in _WANTS_LOGIN:
        return _login_wanted(host, code)
    if isinstance(error, smtplib.SMTPSenderRefused) and code >= 500:
        return RemoteMisconfigured(f"{host} does not let this sender through ({code})")
    if 400 <= code < 500:
        return RateLimited(f"{host} answered {code}", retry_after_s=LATER_S)
    return RemoteMisconfigured(f"{host} does not answer as a mail server ({code})")
