"""Set the project up in this folder: `python -m tools.set_up run`, or `test`.

Each step leaves a stamp of what it was made from and is passed over while that is unchanged, so
a second start costs nothing and fetches nothing.  Standard library only: it runs before
anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import assets, programs

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "set-up.json"
TRANSLATIONS = ROOT / "hub" / "translations"


class SetUpError(Exception):
    """The set-up cannot go on; the text says what a person can do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the set-up: what it is made from, and what tells that it is still there."""

    name: str
    told: str
    sources: tuple[str, ...]
    make: Callable[[], None]
    present: Callable[[], bool] = lambda: True

    def content(self) -> str:
        """A digest of the sources, and of the place: a moved folder is set up anew."""
        digest = hashlib.sha256(str(ROOT).encode())
        for pattern in self.sources:
            for source in sorted(ROOT.glob(pattern)):
                digest.update(source.read_bytes())
        return digest.hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Do the steps of the words given, in their order."""
    try:
        make_venv()
        for word in arguments:
            for step in STEPS[word]:
                do(step)
    except SetUpError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def do(step: Step) -> None:
    """Make the step unless it was made from the very same sources."""
    content = step.content()
    if _stamps().get(step.name) == content and step.present():
        return
    print(f"{step.told} ...", flush=True)
    step.make()
    STAMPS.write_text(json.dumps(_stamps() | {step.name: content}, indent=1), encoding="utf-8")


def make_venv() -> None:
    """A virtual environment with pip in it; one that was made elsewhere or is broken is replaced.

    Raises: SetUpError where Python comes without its `ensurepip`, as Debian's does.
    """
    moved = _stamps().get("place", str(ROOT)) != str(ROOT)
    if not moved and _works(PYTHON):
        return
    if importlib.util.find_spec("ensurepip") is None:
        _get_ensurepip()
    print("Making a virtual environment in .venv ...", flush=True)
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    STAMPS.write_text(json.dumps({"place": str(ROOT)}), encoding="utf-8")


def run(command: Sequence[str]) -> None:
    """Run a command in the project's folder, silent unless it fails.

    Raises: SetUpError with what the command said.
    """
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetUpError(f"{done.stdout}\nThis command failed: {' '.join(command)}")


def pip_install(*arguments: str) -> None:
    """Install into the virtual environment; never anything that a lock does not name."""
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", *arguments])


def install_runtime() -> None:
    """What the hub needs to run, and the hub itself, from this folder."""
    pip_install("--require-hashes", "-r", "requirements/runtime.lock")
    pip_install("--no-deps", "--no-build-isolation", "-e", ".")


def install_dev() -> None:
    """What tests and checks need."""
    pip_install("--require-hashes", "-r", "requirements/dev.lock")


def install_assets() -> None:
    """The browser libraries, by npm; npm comes from PyPI where the system has none."""
    if not _npm_is_usable():
        pip_install("--require-hashes", "-r", "requirements/node.lock")
    npm = str(VENV / "bin" / "npm") if (VENV / "bin" / "npm").exists() else "npm"
    run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    assets.copy_assets(ROOT / "node_modules", assets.VENDOR)


def compile_translations() -> None:
    """The message catalogues in the form that is read at run time."""
    if TRANSLATIONS.exists():
        run([str(VENV / "bin" / "pybabel"), "compile", "-d", str(TRANSLATIONS)])


def install_programs() -> None:
    """PostgreSQL, Redis, Chromium: Debian's where apt may install them, else other builds."""
    if programs.missing() and programs.can_apt():
        programs.main()
    if programs.find_postgres() is None or programs.find_redis() is None:
        _try(lambda: pip_install("--require-hashes", "-r", "requirements/servers.lock"))
    if programs.find_chromium() is None:
        _try(lambda: run([str(VENV / "bin" / "playwright"), "install", "chromium"]))


def _try(make: Callable[[], None]) -> None:
    """Say what failed and go on: the tests themselves say loudly what they had to leave out."""
    try:
        make()
    except SetUpError as error:
        print(str(error).splitlines()[-1], file=sys.stderr)


def _stamps() -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(STAMPS.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return stamps


def _works(python: Path) -> bool:
    """Whether a virtual environment's Python still starts, is new enough and has pip."""
    asked = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run([python, "-c", asked], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _get_ensurepip() -> None:
    package = f"python3.{sys.version_info.minor}-venv"
    if not (programs.can_apt() and programs.apt_install([package])):
        raise SetUpError(
            f"{sys.executable} cannot make virtual environments: it has no ensurepip.\n"
            f"On Debian or Ubuntu: sudo apt-get install {package}\n"
            "Or name another Python: make PYTHON=/path/to/python3.12 run"
        )


def _npm_is_usable() -> bool:
    """npm 7 or newer: older ones do not read our lock file."""
    npm = shutil.which("npm")
    if npm is None:
        return False
    asked = subprocess.run([npm, "--version"], capture_output=True, text=True, check=False)
    major = asked.stdout.partition(".")[0]
    return asked.returncode == 0 and major.isdigit() and int(major) >= 7


RUNTIME = Step(
    "runtime",
    "Installing the hub's dependencies (the first time this takes a minute or two)",
    ("requirements/runtime.lock", "setup.cfg", "pyproject.toml"),
    install_runtime,
)
DEV = Step(
    "dev",
    "Installing what tests and checks need",
    ("requirements/dev.lock",),
    install_dev,
)
ASSETS = Step(
    "assets",
    "Fetching the browser libraries",
    ("package.json", "package-lock.json", "tools/assets.py"),
    install_assets,
    present=lambda: assets.complete(assets.VENDOR),
)
CATALOGUES = Step(
    "translations",
    "Compiling translations",
    ("hub/translations/**/*.po",),
    compile_translations,
    present=lambda: all(
        po.with_suffix(".mo").exists() for po in TRANSLATIONS.glob("*/LC_MESSAGES/*.po")
    ),
)
PROGRAMS = Step(
    "programs",
    "Looking for PostgreSQL, Redis and Chromium",
    ("requirements/servers.lock",),
    install_programs,
    present=lambda: not programs.missing(),
)

#: What a word of the Makefile needs.
STEPS = {
    "assets": (RUNTIME, ASSETS),
    "run": (RUNTIME, ASSETS, CATALOGUES),
    "dev": (RUNTIME, DEV),
    "test": (RUNTIME, DEV, ASSETS, CATALOGUES, PROGRAMS),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
