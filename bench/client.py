"""The client: wrk, in one thread of its own process."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.measure import BenchFailed, Sample

PATIENCE_S = 30
"""A slow answer is a number, not a failure."""
SCRIPTS = Path(__file__).with_name("wrk")
MISSING = "no wrk on this machine (Debian: apt-get install wrk)"


def find_wrk() -> str | None:
    return shutil.which("wrk")


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
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        f"--timeout={PATIENCE_S}s",
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        for part in (load.script, "done"):
            script.write((SCRIPTS / f"{part}.lua").read_text("utf-8"))
        script.flush()
        told = subprocess.run(
            [*command, "-s", script.name, load.url, "--", *load.arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    line = next((one for one in told.stdout.splitlines() if one.startswith("SUMMARY ")), None)
    if line is None:
        raise BenchFailed(f"wrk told nothing:\n{told.stdout}\n{told.stderr}")
    requests, micros, refused, broken, p50, p99 = (int(word) for word in line.split()[1:])
    if refused or broken or not requests:
        raise BenchFailed(
            f"{load.url}: of {requests} requests {refused} were refused and {broken} broke"
        )
    return Sample(requests / (micros / 1e6), p50 / 1000, p99 / 1000)
