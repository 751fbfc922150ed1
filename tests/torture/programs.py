"""Processes that are killed without mercy, and started again as an init system would."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.servers import Account

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 30.0
_LOOK_S = 0.1


@dataclass
class Program:
    """One process with all that it starts; `deaths` counts ends that nobody asked for."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    account: Account = field(default_factory=Account)
    stop_signal: signal.Signals = signal.SIGTERM
    deaths: int = 0

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._wanted = False

    def start(self) -> None:
        with self._lock:
            self._wanted = True
            self._spawn()

    def kill(self) -> None:
        """SIGKILL to it and to everything below it, all at once; then it is started again."""
        with self._lock:
            self._end()
            self._spawn()

    def kill_child(self, which: int) -> bool:
        """SIGKILL to one of the processes that it has started; False where it has none."""
        with self._lock:
            if self._process is None:
                return False
            below = self.children()
            if not below:
                return False
            with suppress(ProcessLookupError):
                os.kill(below[which % len(below)], signal.SIGKILL)
            return True

    def children(self) -> list[int]:
        """Every process that it has started, and those below them."""
        process = self._process
        return [] if process is None else _children(process.pid)

    def revive(self) -> None:
        """Start it again if it has ended by itself."""
        with self._lock:
            if self._wanted and (self._process is None or self._process.poll() is not None):
                self.deaths += 1
                self._end()
                self._spawn()

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        with self._lock:
            self._wanted = False
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(self.stop_signal)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_S)
            self._end()

    def _end(self) -> None:
        if self._process is None:
            return
        # PostgreSQL's processes and gunicorn's are in sessions of their own.
        family = [self._process.pid, *_children(self._process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT if self.account.uid is None else "/",
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=None if self.account.uid is None else [],
            )


def _children(pid: int) -> list[int]:
    """Everything below a process."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    new = [pid]
    while new:
        new = [child for one in new for child in parents.get(one, ())]
        found += new
    return sorted(found)


@contextmanager
def revived(programs: Sequence[Program]) -> Iterator[None]:
    """Whatever ends by itself meanwhile is started again."""

    def look_after() -> None:
        for program in programs:
            program.revive()

    with meanwhile(look_after, every_s=_LOOK_S):
        yield


@contextmanager
def meanwhile(do: Callable[[], None], *, every_s: float) -> Iterator[None]:
    """Done again and again by a thread of its own."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(every_s):
            do()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
