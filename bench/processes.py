"""Processes of their own: the hub by its own commands, and the floors under its web server."""

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
START_S = 60
STOP_S = 30
SETTLE_S = 0.2
_POLL_S = 0.05
HUB = str(Path(sys.executable).with_name("loyalty-hub"))
_LOG_END = 2000


@dataclass(frozen=True, slots=True)
class Web:
    """Where the hub's processes run: `redis` None means without one."""

    database: str
    redis: str | None
    folder: Path
    workers: int

    def environment(self, port: int) -> dict[str, str]:
        """Limits out of reach, so that no answer is a refusal or a degraded one.

        Everything else is the hub's default, the threads of its web among it.
        """
        told = {
            "HUB_DATA_DIR": str(self.folder),
            "HUB_DATABASE_URL": self.database,
            "HUB_HOST": "127.0.0.1",
            "HUB_PORT": str(port),
            "HUB_DEMO": "0",
            "HUB_WEB_WORKERS": str(self.workers),
            "HUB_RATE_LIMIT": "100000000/minute",
            "HUB_QUOTE_DEADLINE_MS": "60000",
            "HUB_LOG_FORMAT": "json",
            "HUB_CONNECTORS_ENABLED": "bench,wordpress",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{_with_connector(self.folder)}",
        }
        return told | ({} if self.redis is None else {"HUB_REDIS_URL": self.redis})


@dataclass(frozen=True, slots=True)
class Served:
    """A web that answers at `address`; `pid` is its oldest process."""

    address: str
    pid: int


@contextmanager
def hub_web(web: Web, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """`loyalty-hub web`, as in production; its address."""
    with _listening([HUB, "web"], web, more) as served:
        yield served.address


@contextmanager
def hub_run(web: Web, more: Mapping[str, str] | None = None) -> Iterator[Served]:
    """`loyalty-hub run`: web, worker and scheduler in one process."""
    with _listening([HUB, "run"], web, more) as served:
        yield served


@contextmanager
def hub_jobs(web: Web, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """One `loyalty-hub worker` and one `loyalty-hub scheduler`."""
    environment = web.environment(_free_port()) | dict(more or {})
    with (
        _started([HUB, "worker"], environment, web.folder / "worker.log") as worker,
        _started([HUB, "scheduler"], environment, web.folder / "scheduler.log") as scheduler,
    ):
        time.sleep(SETTLE_S)
        if worker.poll() is not None or scheduler.poll() is not None:
            raise BenchFailed(f"no worker: {_end_of(web.folder / 'worker.log')}")
        yield


@contextmanager
def door_without_database(web: Web, installation: str) -> Iterator[str]:
    """The same web, whose door asks the database nothing (floor F3)."""
    command = [sys.executable, "-m", "bench.door_floor"]
    with _listening(command, web, {"BENCH_INSTALLATION": installation}) as served:
        yield served.address


@contextmanager
def floor_web(web: Web, application: str, answer: Path) -> Iterator[str]:
    """An application of `bench.floors` where the hub's own would be."""
    command = [sys.executable, "-m", "bench.floors", application]
    with _listening(command, web, {"BENCH_ANSWER": str(answer)}) as served:
        yield served.address


def _with_connector(folder: Path) -> Path:
    """A folder by which Python takes the bench's own connector for an installed one."""
    place = folder / "connector"
    about = place / "hub_bench-1.0.dist-info"
    if not about.exists():
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hub-bench\nVersion: 1.0\n")
        points = "[loyalty_hub.connectors]\nbench = bench.till:CONNECTOR\n"
        (about / "entry_points.txt").write_text(points)
    return place


@contextmanager
def _listening(
    command: Sequence[str], web: Web, more: Mapping[str, str] | None = None
) -> Iterator[Served]:
    port = _free_port()
    environment = web.environment(port) | dict(more or {})
    log, address = web.folder / f"web-{port}.log", f"http://127.0.0.1:{port}"
    with _started(command, environment, log) as process:
        _wait_until_it_answers(process, address, log)
        yield Served(address, process.pid)


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
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
    raise BenchFailed(f"the web did not start:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-_LOG_END:]


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
