"""A connector's level is claimed with proofs, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_quality import RULES, problems

TEST = "tests/test_shop.py::test_it"
WORKING = f'kind = "shop"\nlevel = "working"\n[working]\nconformance_suite = ["{TEST}"]\n'


def statement(**changes: str) -> str:
    """A dependable shop's, with these rules otherwise."""
    rules = dict.fromkeys(sorted(RULES["shop"]["dependable"]), f'["{TEST}"]') | changes
    told = WORKING.replace('"working"\n[', '"dependable"\n[') + "[dependable]\n"
    told += "".join(f"{name} = {rule}\n" for name, rule in rules.items()) + "[model]\n"
    return told + "".join(f'{name} = "todo"\n' for name in sorted(RULES["shop"]["model"]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests/recorded").mkdir(parents=True)
    (tmp_path / "tests/test_shop.py").write_text("def test_it(): ...\n")
    (tmp_path / "tests/recorded/sale.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (statement(), None),
        (statement(duplicates='["tests/recorded/sale.json"]'), None),
        (statement(duplicates=f'{{ exempt = "why", instead = ["{TEST}"] }}'), None),
        (statement(duplicates='"todo"'), "dependable.duplicates: is still to be done"),
        (statement(duplicates='"done"'), "dependable.duplicates: is a list of proofs"),
        (statement(duplicates="[]"), "dependable.duplicates: names nothing"),
        (statement(duplicates='["tests/test_shop.py::test_none"]'), "there is no tests/test_shop"),
        (statement(duplicates='["tests/recorded/none.json"]'), "there is no tests/recorded/none"),
        (statement(duplicates='{ exempt = " " }'), "an exemption has a reason"),
        (statement(duplicate='"todo"'), "missing or unknown: duplicate"),
        (statement().replace('kind = "shop"', 'kind = "x"'), "kind is one of"),
        (statement() + "[perfect]\n", "there are no levels ['perfect']"),
        (WORKING + "[", "cannot be read"),
        (WORKING, "dependable: missing or unknown"),
    ],
)
def test_what_a_statement_must_be(root: Path, told: str, what: str | None) -> None:
    (root / "quality.toml").write_text(told)
    found = list(problems(root, root))
    assert (found == []) if what is None else any(what in one for one in found), found


def test_a_connector_without_a_statement(root: Path) -> None:
    assert list(problems(root, root)) == ["there is no quality.toml"]
