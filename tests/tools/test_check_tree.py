"""Addresses of one machine and bundles of others are found in what would be committed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.check_tree import problems
from tools.tracked import tracked_files

# Put together here, so that this file passes the check itself.
FOLDER = "/".join(("", "work", "main"))
INDEX = "-".join(("--index", "url"))
SIMPLE = ".".join(("pypi", "org/simple"))
RESOLVED = '"resolved"' + ': "https://example.org/a.tgz"'


def check(root: Path, name: str, text: str) -> list[str]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return list(problems([path], root))


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.py", f"x\nhome = '{FOLDER}'\n", "a.py:2: a machine's folder"),
        ("a.lock", f"x\n{INDEX} https://example.org\n", "a.lock:2: a package index"),
        ("a.md", f"\nhttps://{SIMPLE}/flask\n", "a.md:2: a package index"),
        ("a.json", f"\n{RESOLVED}\n", "a.json:2: a package index"),
        ("static/own.js", "\n" + "x;" * 1500, "static/own.js:2: a minified script"),
        ("static/tabler.min.css", "", "static/tabler.min.css:1: a bundled library"),
        ("static/vendor/htmx.js", "", "static/vendor/htmx.js:1: a bundled library"),
    ],
)
def test_what_may_not_be_committed(tmp_path: Path, name: str, text: str, what: str) -> None:
    (problem,) = check(tmp_path, name, text)

    assert problem.startswith(what)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", f"network{FOLDER}"),
        ("a.py", "https://example.org/simple"),
        ("hub/static/own.js", "alert(1)\n" * 2000),
        ("vendors.py", ""),
    ],
)
def test_what_may(tmp_path: Path, name: str, text: str) -> None:
    assert check(tmp_path, name, text) == []


def test_pictures_are_passed_over(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\xff")

    assert list(problems([picture], tmp_path)) == []


def test_ignored_files_are_not_looked_at_and_new_ones_are(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in (".gitignore", "new.py", "ignored.py"):
        (tmp_path / name).write_text("ignored.py\n", encoding="utf-8")

    assert [path.name for path in tracked_files(tmp_path)] == [".gitignore", "new.py"]


def test_without_git_what_was_made_is_not_looked_at(tmp_path: Path) -> None:
    for name in (".ci/run", ".gitignore", "hub/app.py", ".venv/a.py", "build/b.py", "var/c.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = [path.relative_to(tmp_path).as_posix() for path in tracked_files(tmp_path)]

    assert found == [".ci/run", ".gitignore", "hub/app.py"]
