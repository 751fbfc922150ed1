"""What every connector must do, at a stand-in that answers as the vendor does."""

from __future__ import annotations

from pathlib import Path

from connectors.smsaero import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.subject import RemoteSide
from tests.stand_ins.gateways import SmsAero


def form(base_url: str) -> dict[str, str]:
    return SmsAero.form(base_url)


TestSmsAero = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings=form("https://gateway.example.com"),
    sign=lambda webhook, body: {},
    remote=RemoteSide(settings=form, accepts=SmsAero.accepts, refusals=SmsAero.refusals()),
)
