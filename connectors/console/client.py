"""Says in the log that a message would have gone out: neither to whom nor what it said."""

from __future__ import annotations

import logging

from loyalty_kit.manifest import Channel
from loyalty_kit.messages import segments
from loyalty_kit.ports import ClientContext, Message, Sent, Undeliverable
from loyalty_kit.redact import masked_address

_log = logging.getLogger(__name__)


def make_client(context: ClientContext) -> None:
    """There is nothing to call."""


class Messages:
    channels = frozenset(Channel)

    def send(self, client: None, message: Message, *, key: str) -> Sent | Undeliverable:
        parts = segments(message.text).parts if message.channel == Channel.SMS else 1
        to = masked_address(message.to)
        _log.info("a message by %s to %s, parts: %d", message.channel, to, parts)
        return Sent(parts=parts)
