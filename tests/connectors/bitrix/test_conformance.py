"""What every connector must do."""

from __future__ import annotations

from connectors.bitrix import CONNECTOR
from loyalty_kit.testing.conformance import conformance_suite
from tests.connectors.bitrix.shared import CASES, FORM, sign

TestBitrix = conformance_suite(CONNECTOR, recorded=CASES, settings=FORM, sign=sign)
