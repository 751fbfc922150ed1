"""A wheel of the tree as it is, made once for the session, and places to install it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.tracked import tracked_files

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
#: What `make` puts beside the sources, and the wheel carries.
MADE = ("hub/web/static/vendor", "hub/translations")


def needed(program: str, package: str) -> str:
    """The program's path; without it the test is left out, on a build server it fails."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        told = f"NOT TESTED: no {program} on this machine (Debian: apt-get install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
    return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the tree; once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "wheel").exists():
            copy_tree(shared / "source")
            build(shared / "source", shared / "wheel-being-built")
            (shared / "wheel-being-built").rename(shared / "wheel")
    (built,) = (shared / "wheel").glob("*.whl")
    return built


def copy_tree(folder: Path) -> None:
    for file in tracked_files(ROOT):
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    for name in MADE:
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)


def build(source: Path, target: Path) -> None:
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [sys.executable, *words, "--wheel-dir", str(target), "."],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def lend_dependencies(venv: Path) -> None:
    """What the wheel needs, from the environment of the tests, so that nothing is fetched.

    A folder that is added this way runs no `.pth` files: the tree itself stays out of reach.
    """
    (packages,) = venv.glob("lib/python3*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
