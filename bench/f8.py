"""Floor F8: the same five steps by Python's own sqlite3, durable, in one process."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from bench.measure import RATE, Probe, Sample
from bench.options import Options

F8 = "F8 sqlite3, a commit each"
F8_BATCHED = "F8 sqlite3, a commit for 50"
BATCH = 50
_TABLES = """
PRAGMA journal_mode=WAL;
CREATE TABLE keys (key INTEGER PRIMARY KEY);
CREATE TABLE accounts (
    member_id INTEGER PRIMARY KEY, available INTEGER NOT NULL, entries INTEGER NOT NULL);
CREATE TABLE entries (
    member_id INTEGER, seq INTEGER, key INTEGER NOT NULL, amount INTEGER NOT NULL,
    booked_at INTEGER NOT NULL, PRIMARY KEY (member_id, seq));
CREATE TABLE lots (
    member_id INTEGER, no INTEGER, amount INTEGER NOT NULL, free INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (member_id, no));
"""


def f8_probes(folder: Path, options: Options) -> list[Probe]:
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.executescript(_TABLES)
    connection.execute("PRAGMA synchronous=FULL")
    accounts = ((member,) for member in range(1, options.members + 1))
    with connection:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO accounts VALUES (?, 0, 0)", accounts)
    chance = random.Random(8)

    def probe(name: str, batch: int) -> Probe:
        return Probe(
            name, lambda: {name: _post(connection, batch, chance, options)}, options.seconds
        )

    return [probe(F8, 1), probe(F8_BATCHED, BATCH)]


def _post(
    connection: sqlite3.Connection, batch: int, chance: random.Random, options: Options
) -> Sample:
    began, posted = time.perf_counter(), 0
    while time.perf_counter() - began < options.seconds:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(batch):
            _one(connection, chance.randint(1, options.members), chance.getrandbits(62))
        connection.execute("COMMIT")
        posted += batch
    return {RATE: posted / (time.perf_counter() - began)}


def _one(connection: sqlite3.Connection, member: int, key: int) -> None:
    run = connection.execute
    run("INSERT INTO keys VALUES (?)", (key,))
    (seq,) = run("SELECT entries + 1 FROM accounts WHERE member_id = ?", (member,)).fetchone()
    run("INSERT INTO entries VALUES (?, ?, ?, 1000, 0)", (member, seq, key))
    run("INSERT INTO lots VALUES (?, ?, 1000, 1000, 0)", (member, seq))
    run(
        "UPDATE accounts SET available = available + 1000, entries = ? WHERE member_id = ?",
        (seq, member),
    )
