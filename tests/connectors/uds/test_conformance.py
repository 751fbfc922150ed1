"""What every connector must do."""

from __future__ import annotations

import base64
from pathlib import Path

from connectors.uds import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite

FORM = {
    "company_id": "549755819292",
    "api_key": "till-word-of-the-tests-00042",
    "code_key": "code-word-of-the-tests-00042",
}
PROOF = base64.b64encode(f"{FORM['company_id']}:{FORM['api_key']}".encode()).decode()

TestUds = conformance_suite(
    CONNECTOR,
    recorded=Path(__file__).parent / "recorded",
    settings=FORM,
    sign=lambda webhook, body: {"Authorization": f"Basic {PROOF}"},
    changed_body="UDS signs nothing: its key is a password",
    unknown_kinds="the bodies are made by the connector's own routes, one kind for each webhook",
)
