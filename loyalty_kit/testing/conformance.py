"""What every connector must do, as one class of tests taken in by one assignment.

    TestTablo = conformance_suite(
        CONNECTOR,
        recorded=Path(__file__).parent / "recorded",
        settings={"webhook_secret": "..."},
        sign=sign,
        remote=RemoteSide(settings=form_for),
    )

Needs no network: calls go to a server on this machine.  When a connector breaks in production
in a way that others could, the new check goes in here, not into that connector's tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from loyalty_kit.ports import Connector
from loyalty_kit.testing import checks, message_checks, remote_checks
from loyalty_kit.testing.recorded import read_cases
from loyalty_kit.testing.subject import RemoteSide, Sign, Subject

Check = Callable[[Subject], None]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "01_manifest": checks.check_manifest,
        "02_declaration": checks.check_declaration,
        "03_settings": checks.check_settings,
        "04_cases_recorded": checks.check_cases_recorded,
        "05_expected_events": checks.check_expected_events,
        "06_deterministic": checks.check_deterministic,
        "07_proofs": checks.check_proofs,
        "08_fields": checks.check_fields,
        "09_rubbish": checks.check_rubbish,
        "10_unknown_kinds": checks.check_unknown_kinds,
        "11_money": checks.check_money,
        "12_remote_errors": remote_checks.check_remote_errors,
        "13_pushes_repeat": remote_checks.check_pushes_repeat,
        "14_pages": remote_checks.check_pages,
        "15_nothing_leaks": remote_checks.check_nothing_leaks,
        "16_messages": message_checks.check_messages,
    }
)


def conformance_suite(
    connector: Connector,
    *,
    recorded: Path,
    settings: Mapping[str, str],
    sign: Sign | None = None,
    remote: RemoteSide | None = None,
    **exempt: str,
) -> type:
    """A class of sixteen tests for pytest; bind it to a name that begins with `Test`.

    `recorded` is the folder of cases (`recorded.py`), `settings` the form as filled in, `sign`
    gives the headers that prove a webhook's body, `remote` is needed by a connector that makes
    calls.  `exempt` gives the reason of each exemption by its name (`subject.EXEMPTIONS`):
    `changed_body="the vendor sends a token, no signature"`.
    """

    @cache
    def subject() -> Subject:
        return Subject(
            connector=connector,
            cases=read_cases(recorded),
            recorded=recorded,
            settings=settings,
            sign=sign,
            remote=remote,
            exempt=exempt,
        )

    def test_of(check: Check) -> Callable[[object], None]:
        def test(self: object) -> None:
            check(subject())

        test.__doc__ = check.__doc__
        return test

    tests = {f"test_{name}": test_of(check) for name, check in CHECKS.items()}
    return type(f"Conformance_{connector.manifest.code}", (), tests)
