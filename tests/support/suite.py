"""The conformance suite's subject for a good connector, and ways to make it wrong in one place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loyalty_kit.testing.conformance import CHECKS
from loyalty_kit.testing.recorded import Case, read_cases
from loyalty_kit.testing.subject import Subject
from tests.support import acmepos
from tests.support.acmepos import CONNECTOR, MANIFEST, RECEIPT

RECORDED = Path(__file__).parents[1] / "kit" / "recorded_acmepos"
CASES = read_cases(RECORDED)
GOOD = Subject(
    connector=CONNECTOR,
    cases=CASES,
    recorded=RECORDED,
    settings=acmepos.form(),
    sign=acmepos.sign,
    remote=acmepos.remote_side(),
    exempt={},
)


def fails(check: str, subject: Subject, *, saying: str) -> None:
    with pytest.raises(AssertionError, match=saying):
        CHECKS[check](subject)


def with_connector(**changes: Any) -> Subject:
    return replace(GOOD, connector=replace(CONNECTOR, **changes))


def with_hook(**changes: Any) -> Subject:
    return with_connector(webhooks=(replace(RECEIPT, **changes),))


def with_manifest(**changes: Any) -> Subject:
    return with_connector(manifest=replace(MANIFEST, **changes))


def case_named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)
