"""What every connector must do, at a stand-in that answers as the vendor does."""

from __future__ import annotations

from pathlib import Path

from connectors.smsru import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from loyalty_kit.testing.subject import RemoteSide
from tests.stand_ins.gateways import SmsRu


def form(base_url: str) -> dict[str, str]:
    return SmsRu.form(base_url)


TestSmsRu = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings=form("https://gateway.example.com"),
    sign=lambda webhook, body: {},
    remote=RemoteSide(settings=form, accepts=SmsRu.accepts, refusals=SmsRu.refusals()),
)
