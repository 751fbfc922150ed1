"""Web processes: the hub by its own command, and the floors under the same server and settings."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from bench.measure import BenchFailed

ROOT = Path(__file__).resolve().parent.parent
THREADS = 8
START_S = 60
STOP_S = 30
_POLL_S = 0.05
_HUB = str(Path(sys.executable).with_name("loyalty-hub"))


@dataclass(frozen=True, slots=True)
class Web:
    """Where the hub's web runs: `redis` None means without one."""

    database: str
    redis: str | None
    folder: Path
    workers: int

    def environment(self, port: int) -> dict[str, str]:
        """Limits out of reach, so that no answer is a refusal or a degraded one."""
        told = {
            "HUB_DATA_DIR": str(self.folder),
            "HUB_DATABASE_URL": self.database,
            "HUB_HOST": "127.0.0.1",
            "HUB_PORT": str(port),
            "HUB_DEMO": "0",
            "HUB_WEB_WORKERS": str(self.workers),
            "HUB_WEB_THREADS": str(THREADS),
            "HUB_RATE_LIMIT": "100000000/minute",
            "HUB_QUOTE_DEADLINE_MS": "60000",
            "HUB_LOG_FORMAT": "json",
        }
        return told | ({} if self.redis is None else {"HUB_REDIS_URL": self.redis})


@contextmanager
def hub_web(web: Web) -> Iterator[str]:
    """`loyalty-hub web`, as in production; its address."""
    with _listening([_HUB, "web"], web) as address:
        yield address


@contextmanager
def door_without_database(web: Web, installation: str) -> Iterator[str]:
    """The same web, whose door asks the database nothing (floor F3)."""
    command = [sys.executable, "-m", "bench.door_floor"]
    with _listening(command, web, {"BENCH_INSTALLATION": installation}) as address:
        yield address


@contextmanager
def floor_web(web: Web, application: str, answer: Path) -> Iterator[str]:
    """An application of `bench.floors` under gunicorn with the hub's own settings."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", f"bench.floors:{application}"]
    options = {
        "--bind": f"127.0.0.1:{port}",
        "--workers": str(web.workers),
        "--worker-class": "gthread",
        "--threads": str(THREADS),
        "--keep-alive": "5",
        "--log-level": "warning",
    }
    words = [word for pair in options.items() for word in pair]
    with _started([*command, *words], {"BENCH_ANSWER": str(answer)}, web.folder, port) as address:
        yield address


@contextmanager
def _listening(
    command: Sequence[str], web: Web, more: Mapping[str, str] | None = None
) -> Iterator[str]:
    port = _free_port()
    environment = web.environment(port) | dict(more or {})
    with _started(command, environment, web.folder, port) as address:
        yield address


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int
) -> Iterator[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    with (folder / f"web-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(process, address, Path(log.name))
        yield address
    finally:
        _stop(process)


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Whatever it answers: the socket is there before the first of its processes is."""
    pause, deadline = threading.Event(), time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.post(address, json={}, timeout=START_S)
        except requests.ConnectionError:
            pause.wait(_POLL_S)
        else:
            return
    raise BenchFailed(f"the web did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
