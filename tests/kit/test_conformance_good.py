"""The suite taken in by one assignment, on a connector that is right."""

from __future__ import annotations

from pathlib import Path

from loyalty_kit.testing.conformance import conformance_suite
from tests.support import acmepos

TestAcmePos = conformance_suite(
    acmepos.CONNECTOR,
    recorded=Path(__file__).parent / "recorded_acmepos",
    settings=acmepos.form(),
    sign=acmepos.sign,
    remote=acmepos.remote_side(),
)
