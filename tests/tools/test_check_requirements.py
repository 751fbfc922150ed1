"""A claim without its test does not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_requirements import problems

HEAD = "# What is proved\n\n| Requirement | What it asks | Proved by |\n|---|---|---|\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_points.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_cases(n): ...\n"
        "def test_plain():\n"
        "    def test_inner(): ...\n"
        "class TestGroup:\n"
        "    def test_within(self): ...\n"
        "TestSuite = conformance_suite()\n"
        "test_number = 3\n"
        "def helper(): ...\n"
    )
    (tmp_path / "tests" / "points.py").write_text("def test_plain(): ...\n")
    return tmp_path


@pytest.mark.parametrize(
    "row",
    [
        "| R1 | points | `tests/test_points.py::test_plain` |",
        "| R130 | points | `tests/test_points.py::test_cases` |",
        "| X17 | points | `tests/test_points.py::test_cases[2]` |",
        "| X1 | points | `tests/test_points.py::TestGroup::test_within` |",
        "| R2 | suite | `tests/test_points.py::TestSuite` |",
        "| R3 | both | `tests/test_points.py::test_plain`, `tests/test_points.py::test_cases` |",
        "| R4 | with a \\| bar | `tests/test_points.py::test_plain` |",
    ],
)
def test_a_proved_claim_passes(root: Path, row: str) -> None:
    assert list(problems(HEAD + row, root)) == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| R0 | x | `tests/test_points.py::test_plain` |", "'R0' is no requirement"),
        ("| R131 | x | `tests/test_points.py::test_plain` |", "'R131' is no requirement"),
        ("| X18 | x | `tests/test_points.py::test_plain` |", "'X18' is no requirement"),
        ("| R01 | x | `tests/test_points.py::test_plain` |", "'R01' is no requirement"),
        ("|  | x | `tests/test_points.py::test_plain` |", "'' is no requirement"),
        ("| R1 |  | `tests/test_points.py::test_plain` |", "R1 does not say what it asks"),
        ("| R1 | x | |", "R1 names no test"),
        ("| R1 | x | tests/test_points.py::test_plain |", "R1 names no test"),
        (
            "| R1 | x | `tests/test_points.py::test_gone` |",
            "no test tests/test_points.py::test_gone",
        ),
        ("| R1 | x | `tests/test_gone.py::test_plain` |", "no test tests/test_gone.py::test_plain"),
        ("| R1 | x | `tests/test_points.py` |", "no test tests/test_points.py"),
        ("| R1 | x | `tests/points.py::test_plain` |", "no test tests/points.py::test_plain"),
        ("| R1 | x | `tests/test_points.py::test_inner` |", "test_inner"),
        ("| R1 | x | `tests/test_points.py::test_number` |", "test_number"),
        ("| R1 | x | `tests/test_points.py::helper` |", "helper"),
        ("| R1 | x | `tests/test_points.py::TestGroup::test_gone` |", "TestGroup::test_gone"),
        ("| R1 | x |", "a row has three cells"),
        ("| R1 | x", "a row has three cells"),
    ],
)
def test_an_unproved_claim_is_named(root: Path, row: str, problem: str) -> None:
    found = list(problems(HEAD + row, root))

    assert len(found) == 1
    assert found[0].startswith("5: ")
    assert problem in found[0]


def test_a_requirement_stands_there_once(root: Path) -> None:
    row = "| R1 | points | `tests/test_points.py::test_plain` |\n"

    assert list(problems(HEAD + row + row, root)) == ["6: R1 stands here twice"]
