"""Floor F1: pgbench posts in five steps, eight clients, prepared statements."""

from __future__ import annotations

import re
import subprocess
from itertools import count
from pathlib import Path

import psycopg

from bench.measure import RATE, BenchFailed, Probe, Sample
from bench.options import Options
from bench.servers import Servers, conninfo
from tools.programs import find_postgres

F1 = "F1 pgbench"
CLIENTS = 8
_databases = count(1)
_SCRIPT = Path(__file__).with_name("f1.sql")
_TABLES = """
CREATE TABLE f1_keys (key bigint PRIMARY KEY);
CREATE TABLE f1_accounts (
    member_id bigint PRIMARY KEY, available bigint NOT NULL, entries bigint NOT NULL);
CREATE TABLE f1_entries (
    member_id bigint, seq bigint, key bigint NOT NULL, amount bigint NOT NULL,
    booked_at bigint NOT NULL, PRIMARY KEY (member_id, seq));
CREATE TABLE f1_lots (
    member_id bigint, no bigint, amount bigint NOT NULL, free bigint NOT NULL,
    expires_at bigint NOT NULL, PRIMARY KEY (member_id, no));
"""


def f1_probe(servers: Servers, options: Options) -> Probe:
    """Raises: BenchFailed (PostgreSQL came without its pgbench), NotStarted."""
    folder = find_postgres()
    program = None if folder is None else folder / "pgbench"
    if program is None or not program.exists():
        raise BenchFailed("no pgbench beside PostgreSQL (Debian's postgresql brings it)")
    url = conninfo(servers.database(f"floor{next(_databases)}"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TABLES)
        connection.execute(
            "INSERT INTO f1_accounts SELECT n, 0, 0 FROM generate_series(1, %s) AS n",
            [options.members],
        )
        connection.execute("VACUUM ANALYZE")
    words = {
        "--file": str(_SCRIPT),
        "--client": str(CLIENTS),
        "--jobs": "2",
        "--protocol": "prepared",
        "--time": str(max(1, round(options.seconds))),
        "--define": f"members={options.members}",
    }
    command = [str(program), "--no-vacuum", *[word for pair in words.items() for word in pair], url]
    return Probe(F1, lambda: {F1: _run(command)}, options.seconds)


def _run(command: list[str]) -> Sample:
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([0-9.]+)", told.stdout, re.MULTILINE)
    failed = re.search(r"number of failed transactions: ([0-9]+)", told.stdout)
    if told.returncode or rate is None or (failed is not None and int(failed[1])):
        raise BenchFailed(f"pgbench failed:\n{told.stdout}\n{told.stderr}")
    return {RATE: float(rate[1])}
