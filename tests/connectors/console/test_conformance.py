"""What every connector must do, and what the terminal shows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from connectors.console import CONNECTOR
from loyalty_kit.manifest import Channel
from loyalty_kit.ports import Message, Sent
from loyalty_kit.testing.conformance import conformance_suite

TestConsole = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings={},
    sign=lambda webhook, body: {},
    no_remote="it calls nobody",
)


def test_the_log_shows_neither_number_nor_text(caplog: pytest.LogCaptureFixture) -> None:
    messenger = CONNECTOR.message
    assert messenger is not None
    with caplog.at_level(logging.INFO):
        sent = messenger.send(None, Message("+79001234567", "Код 123456"), key="k")
        messenger.send(
            None, Message("anna@example.com", "Код 123456", channel=Channel.EMAIL), key="k"
        )

    assert sent == Sent(parts=1)
    assert [record.getMessage() for record in caplog.records] == [
        "a message by sms to ***67, parts: 1",
        "a message by email to a***@example.com, parts: 1",
    ]
