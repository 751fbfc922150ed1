"""The client of the benches over HTTP: wrk, in one thread of its own process."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.measure import CLIENT, P50, P99, RATE, BenchFailed, Sample

PATIENCE_S = 30
"""A slow answer is a number, not a failure."""
SCRIPTS = Path(__file__).with_name("wrk")


@dataclass(frozen=True, slots=True)
class Load:
    """`script` is one of `wrk/`; `arguments` are its own."""

    url: str
    script: str
    arguments: tuple[str, ...]


def press(load: Load, *, connections: int, seconds: float) -> Sample:
    """So many connections that each ask again as soon as they are answered.

    Raises: BenchFailed where an answer was no success.
    """
    before = _used_s()
    told = _run(load, connections, max(1, round(seconds)))
    used = _used_s() - before
    line = next((one for one in told.stdout.splitlines() if one.startswith("SUMMARY ")), None)
    if line is None:
        raise BenchFailed(f"wrk told nothing:\n{told.stdout}\n{told.stderr}")
    requests, micros, refused, broken, p50, p99 = (int(word) for word in line.split()[1:])
    if refused or broken or not requests:
        raise BenchFailed(
            f"{load.url}: of {requests} requests {refused} were refused and {broken} broke"
        )
    took = micros / 1e6
    return {RATE: requests / took, P50: p50 / 1000, P99: p99 / 1000, CLIENT: used / took}


def _run(load: Load, connections: int, seconds: int) -> subprocess.CompletedProcess[str]:
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE_S}s"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        for part in (load.script, "done"):
            script.write((SCRIPTS / f"{part}.lua").read_text("utf-8"))
        script.flush()
        return subprocess.run(
            ["wrk", *options, "-s", script.name, load.url, "--", *load.arguments],
            capture_output=True,
            text=True,
            check=False,
        )


def _used_s() -> float:
    """Processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
