"""Each connector says in `quality.toml` what of each level is done, and what proves it.

A rule is a list of tests (`tests/path.py::test_name`) and recorded cases (`tests/path.json`), which
must exist; `"todo"`, which the level that is claimed and those below it may not have; or
`{ exempt = "why", instead = [...] }`.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.check_requirements import is_test

ROOT = Path(__file__).resolve().parent.parent
NAME = "quality.toml"
TODO = "todo"
LEVELS = ("working", "dependable", "model")
WORKING = frozenset({"conformance_suite"})
RULES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "shop": {
        "working": WORKING,
        "dependable": frozenset(
            {
                "recorded_refunds",
                "recorded_partial_refunds",
                "recorded_discounts",
                "weighed_goods",
                "duplicates",
                "out_of_order",
                "re_authentication",
            }
        ),
        "model": frozenset({"drift_test_against_a_sandbox", "diagnostics", "guide_with_pictures"}),
    },
    "way to a person": {
        "working": WORKING,
        "dependable": frozenset(
            {
                "vendor_errors_sorted",
                "outages_and_time_outs",
                "delivery_reports",
                "re_authentication",
            }
        ),
        "model": frozenset({"trial_against_the_live_system", "diagnostics"}),
    },
}


def problems(folder: Path, root: Path) -> Iterator[str]:
    """What is wrong with the statement of one connector."""
    try:
        told = tomllib.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield f"there is no {NAME}"
        return
    except tomllib.TOMLDecodeError as error:
        yield f"cannot be read: {error}"
        return
    kind, level = told.pop("kind", None), told.pop("level", None)
    if kind not in RULES or level not in LEVELS:
        yield f"kind is one of {sorted(RULES)}, level one of {list(LEVELS)}"
        return
    if unknown := set(told) - set(LEVELS):
        yield f"there are no levels {sorted(unknown)}"
    for place, name in enumerate(LEVELS):
        claimed = place <= LEVELS.index(level)
        yield from _of_level(name, told.get(name, {}), RULES[kind][name], claimed, root)


def _of_level(
    level: str, rules: Mapping[str, Any], known: frozenset[str], claimed: bool, root: Path
) -> Iterator[str]:
    if differ := set(rules) ^ known:
        yield f"{level}: missing or unknown: {', '.join(sorted(differ))}"
    for name in sorted(set(rules) & known):
        for what in _of_rule(rules[name], claimed, root):
            yield f"{level}.{name}: {what}"


def _of_rule(rule: Any, claimed: bool, root: Path) -> Iterator[str]:
    if rule == TODO:
        if claimed:
            yield "is still to be done, and the level that is claimed asks for it"
        return
    proofs = rule.get("instead", []) if isinstance(rule, dict) else rule
    if isinstance(rule, dict) and not _is_exemption(rule):
        yield "an exemption has a reason (exempt), and at most what is there instead"
    if not isinstance(proofs, list):
        yield 'is a list of proofs, "todo", or an exemption'
    elif rule == []:
        yield "names nothing that proves it"
    else:
        yield from (f"there is no {proof}" for proof in proofs if not _exists(proof, root))


def _is_exemption(rule: Mapping[str, Any]) -> bool:
    reason = rule.get("exempt")
    return (
        isinstance(reason, str) and bool(reason.strip()) and not set(rule) - {"exempt", "instead"}
    )


def _exists(proof: str, root: Path) -> bool:
    if "::" in proof:
        return is_test(proof, root)
    return "/recorded/" in proof and proof.endswith(".json") and (root / proof).is_file()


def main() -> int:
    folders = sorted(one.parent for one in (ROOT / "connectors").glob("*/manifest.py"))
    found = [f"{one.name}: {what}" for one in folders for what in problems(one, ROOT)]
    for problem in found:
        print(f"connectors/{problem} ({NAME})", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
