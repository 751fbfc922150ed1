"""Check 16 of the conformance suite: what becomes of a message.

A message that the vendor refused must not count as sent, and what the owner is told of it says
neither to whom it went nor what it said.
"""

from __future__ import annotations

from typing import Any

from loyalty_kit.errors import ConnectorError
from loyalty_kit.manifest import Channel
from loyalty_kit.ports import Client, Messenger, Sent, Undeliverable
from loyalty_kit.testing.remote import always, json_reply
from loyalty_kit.testing.remote_checks import KEY, client_of, message_by, side_of
from loyalty_kit.testing.subject import RemoteSide, Subject, expect, only_our_errors

UNDELIVERABLE = "undeliverable"
_STRANGE = (b"[]", b"null", b'"OK"', b"{}", b'{"status": "?", "error_code": "?", "success": 1}')


def check_messages(subject: Subject) -> None:
    """16. A message that was taken is Sent, and each refusal becomes what the hub does next."""
    messenger = subject.connector.message
    if messenger is None or "no_remote" in subject.exempt:
        return
    expect(messenger.channels, "the messenger names no channel")
    expect(set(messenger.channels) <= set(Channel), "the messenger names an unknown channel")
    side = side_of(subject)
    for channel in sorted(messenger.channels):
        _check_channel(subject, side, messenger, channel)


def _check_channel(
    subject: Subject, side: RemoteSide, messenger: Messenger, channel: Channel
) -> None:
    with side.remote(None, side.accepts) as remote:
        got = _sent(messenger, channel, client_of(subject, side, remote.base_url))
    expect(isinstance(got, Sent), f"{channel}: a message that was taken gives {_name(got)}")
    becomes = {one.becomes for one in side.refusals.values()}
    expect(UNDELIVERABLE in becomes, "`refusals` has none that is undeliverable")
    for name, refusal in side.refusals.items():
        answer = always(refusal.reply or json_reply())
        with side.remote(name, answer) as remote:
            got = _sent(messenger, channel, client_of(subject, side, remote.base_url))
        wanted = refusal.becomes
        expect(_name(got) == wanted, f"{channel}, {name}: {_name(got)}, not {wanted}")
        _check_told(f"{channel}, {name}", got, channel)
    if side.stage is None:
        _check_strange(subject, side, messenger, channel)


def _check_strange(
    subject: Subject, side: RemoteSide, messenger: Messenger, channel: Channel
) -> None:
    """Answers that say nothing are no receipts."""
    for body in _STRANGE:
        with side.remote(None, always(json_reply(body))) as remote:
            got = _sent(messenger, channel, client_of(subject, side, remote.base_url))
        expect(not isinstance(got, Sent), f"{channel}: {body!r} is taken for a receipt")


def _sent(messenger: Messenger, channel: Channel, client: Client) -> Any:
    def send(client: Client) -> Any:
        return messenger.send(client, message_by(channel), key=KEY)

    return only_our_errors(f"message by {channel}", send, client)


def _name(got: Any) -> str:
    if isinstance(got, ConnectorError):
        return got.code
    return UNDELIVERABLE if isinstance(got, Undeliverable) else type(got).__name__.lower()


def _check_told(what: str, got: Any, channel: Channel) -> None:
    told = got.reason if isinstance(got, Undeliverable) else str(got)
    message = message_by(channel)
    expect(told.strip(), f"{what}: the owner is told nothing")
    for personal in (message.to, message.to.lstrip("+"), message.text):
        expect(personal not in told, f"{what}: the owner is told whom it was for, or its text")
