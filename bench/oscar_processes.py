"""Processes of django-oscar, in a virtual environment that is made when they are asked for."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.measure import RATE, BenchFailed, Sample, Tell
from bench.processes import ROOT, STOP_S
from tools.set_up import SetUpError, run

LOCK = ROOT / "requirements" / "oscar.lock"
VENV = ROOT / ".venv" / "oscar"
SHOP = Path(__file__).with_name("oscar_shop.py")
NOT_INSTALLED = "django-oscar could not be installed from PyPI"
_LOG_END = 2000


def oscar_python(tell: Tell) -> Path:
    """The Python that has django-oscar, as its lock says; made once for a lock.

    Raises: BenchFailed where PyPI cannot be reached.
    """
    python, stamp = VENV / "bin" / "python", VENV / "lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return python
    tell("Installing django-oscar beside the hub (a minute or two) ...")
    install = ("-m", "pip", "install", "--quiet", "--no-input", "--require-hashes", "-r", str(LOCK))
    try:
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        run([str(python), *install])
    except SetUpError as error:
        tell(str(error))
        raise BenchFailed(NOT_INSTALLED) from None
    stamp.write_text(digest, "utf-8")
    return python


class OscarShops:
    """Processes that have the same shop each; asked all at once.

    `totals`: of each process, what it made of each basket.  `versions`: of its programs.
    """

    def __init__(self, processes: Sequence[_Process], shop: Mapping[str, Any]) -> None:
        self._processes = processes
        told = self._ask(shop)
        self.totals: list[list[dict[str, Any]]] = [one["totals"] for one in told]
        self.versions = str(told[0]["versions"])

    def press(self, seconds: float) -> Sample:
        """Baskets a second, of all processes together."""
        told = self._ask({"seconds": seconds})
        return {RATE: sum(one["baskets"] / one["seconds"] for one in told)}

    def _ask(self, what: Mapping[str, Any]) -> list[dict[str, Any]]:
        for process in self._processes:
            process.tell(what)
        return [process.answer() for process in self._processes]


@contextmanager
def oscar_shops(
    python: Path, shop: Mapping[str, Any], count: int, folder: Path
) -> Iterator[OscarShops]:
    """So many, filled with a shop.  Raises: BenchFailed with what one said before it ended."""
    with ExitStack() as stack:
        logs = [folder / f"oscar-{len(shop['offers'])}-{number}.log" for number in range(count)]
        processes = [stack.enter_context(_started(python, log)) for log in logs]
        yield OscarShops(processes, shop)


class _Process:
    """One of them: a line of JSON in, a line of JSON out."""

    def __init__(self, popen: subprocess.Popen[str], log: Path) -> None:
        self._popen, self._log = popen, log

    def tell(self, what: Mapping[str, Any]) -> None:
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(what) + "\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            self._broken()

    def answer(self) -> dict[str, Any]:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            self._broken()
        told: dict[str, Any] = json.loads(line)
        return told

    def _broken(self) -> None:
        raise BenchFailed(f"django-oscar ended:\n{self._log.read_text('utf-8')[-_LOG_END:]}")


@contextmanager
def _started(python: Path, log: Path) -> Iterator[_Process]:
    """Isolated (-I): it sees neither our modules nor our environment's."""
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [python, "-I", "-W", "ignore", SHOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        ) as popen,
    ):
        try:
            yield _Process(popen, log)
        finally:
            popen.terminate()
            popen.wait(STOP_S)
