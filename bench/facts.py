"""What the numbers depend on: the machine and the versions of its programs."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psycopg
import redis

from bench.servers import Servers, conninfo
from tools.programs import find_wrk

PACKAGES = ("SQLAlchemy", "psycopg", "Flask", "Werkzeug", "gunicorn", "marshmallow", "redis", "rq")
SYNCS = 100
PAGE = 8192


def machine_facts(servers: Servers) -> list[tuple[str, str]]:
    """(what, how much) for the table of the results."""
    load = os.getloadavg()[0]
    return [
        ("Processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("Memory", f"{_memory_gib():.1f} GiB"),
        ("System", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("Load before the run", f"{load:.2f} (more than 0.2 means that it was not alone)"),
        ("fdatasync of 8 KiB", f"{_sync_ms():.2f} ms (median of {SYNCS})"),
        ("Python", f"{platform.python_version()}, built {_built()}"),
        ("PostgreSQL", _postgres(servers)),
        ("SQLite", f"{sqlite3.sqlite_version}, WAL, synchronous=FULL"),
        ("Redis", _redis(servers)),
        ("wrk", _wrk()),
        ("Packages", ", ".join(f"{name} {version(name)}" for name in PACKAGES)),
    ]


def _built() -> str:
    """Plain loops take half as long again by an interpreter built by hand without profiles."""
    return f"{platform.python_build()[1]} with {platform.python_compiler()}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text("utf-8") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _sync_ms() -> float:
    """What a durable commit costs at the least, where the databases lie."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir="/tmp") as file:
        for _ in range(SYNCS):
            file.write(b"\0" * PAGE)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _postgres(servers: Servers) -> str:
    if servers.postgres is None:
        return "none: its benches were left out"
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with psycopg.connect(conninfo(servers.postgres)) as connection:
        told = [str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names]  # type: ignore[index]
    settings = [f"{name}={value}" for name, value in zip(names[1:], told[1:], strict=True)]
    return ", ".join([told[0], *settings])


def _redis(servers: Servers) -> str:
    if servers.redis is None:
        return "none: the hub ran without it"
    with redis.Redis.from_url(servers.redis) as client:
        return str(client.info("server")["redis_version"])


def _wrk() -> str:
    found = find_wrk()
    if found is None:
        return "none: the benches over HTTP were left out"
    told = subprocess.run([found, "-v"], capture_output=True, text=True, check=False).stdout
    return told.split("Copyright")[0].removeprefix("wrk").strip() or "unknown version"
