"""`docs/requirements.md` claims only what a test proves.

The page is a table: requirement, what it asks in a few words, the tests that prove it as
`tests/path.py::test_name` in backticks.  Every named test must exist.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "requirements.md"

ROW = re.compile(r"^\|\s*(?P<id>[^|]*?)\s*\|\s*(?P<text>[^|]*?)\s*\|\s*(?P<tests>.*?)\s*\|\s*$")
TEST = re.compile(r"`([^`]+)`")
LEGAL = {f"R{number}" for number in range(1, 131)} | {f"X{number}" for number in range(1, 18)}
HEAD = ("Requirement", "What it asks", "Proved by")


def problems(page: str, root: Path) -> Iterator[str]:
    """Each problem of the page as `line: what is wrong`."""
    seen: set[str] = set()
    for number, line in enumerate(page.splitlines(), start=1):
        if not line.startswith("|") or _is_head(line):
            continue
        row = ROW.match(line)
        if row is None:
            yield f"{number}: a row has three cells: {' | '.join(HEAD)}"
            continue
        yield from (f"{number}: {what}" for what in _problems_of_row(row, seen, root))
        seen.add(row["id"])


def _problems_of_row(row: re.Match[str], seen: set[str], root: Path) -> Iterator[str]:
    if row["id"] not in LEGAL:
        yield f"{row['id']!r} is no requirement (R1 to R130, X1 to X17)"
    if row["id"] in seen:
        yield f"{row['id']} stands here twice"
    if not row["text"]:
        yield f"{row['id']} does not say what it asks"
    tests = TEST.findall(row["tests"])
    if not tests:
        yield f"{row['id']} names no test in backticks"
    for test in tests:
        if not is_test(test, root):
            yield f"{row['id']}: there is no test {test}"


def _is_head(line: str) -> bool:
    cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
    return cells == HEAD or all(re.fullmatch(r":?-+:?", cell) for cell in cells)


def is_test(test: str, root: Path) -> bool:
    """Whether `path::name` or `path::Class::name` is a test; one case of it `[...]` counts too."""
    path, *names = test.partition("[")[0].split("::")
    return bool(names) and tuple(names) in _tests_in(root / path)


@cache
def _tests_in(path: Path) -> frozenset[tuple[str, ...]]:
    """The tests that pytest collects from a file, by name; suites taken in by assignment too."""
    if not path.is_file() or not path.name.startswith("test_"):
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[tuple[str, ...]] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            found.update((node.name, name) for name in _functions(node))
        elif isinstance(node, ast.Assign):
            targets = (target.id for target in node.targets if isinstance(target, ast.Name))
            found.update((name,) for name in targets if name.startswith("Test"))
    found.update((name,) for name in _functions(tree))
    return frozenset(found)


def _functions(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name.startswith("test"):
            yield child.name


def main() -> int:
    found = list(problems(PAGE.read_text(encoding="utf-8"), ROOT))
    for problem in found:
        print(f"{PAGE.relative_to(ROOT)}:{problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
