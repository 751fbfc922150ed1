"""The table of a run, and `RESULTS.md` around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.f1 import F1
from bench.f8 import F8, F8_BATCHED
from bench.inbox import BOOKED, SENT
from bench.ingest import F3, INGEST
from bench.measure import Figure, Rounds
from bench.options import Options
from bench.posting import POSTING_POSTGRES, POSTING_SQLITE
from bench.quote import F4, F5, ONE, QUOTE

RESULTS = Path(__file__).with_name("RESULTS.md")
NOTES = Path(__file__).with_name("notes.md")


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a name, what of it is shown, and the floor that it is held against."""

    title: str
    name: str
    floor: str
    what: str = "rate"
    floor_what: str = ""

    @property
    def unit(self) -> str:
        return "/s" if self.what == "rate" else "ms"


LINES = (
    Line("Quote, throughput", QUOTE, F5),
    Line("Quote, throughput", QUOTE, F4),
    Line("Quote, one connection, p50", QUOTE + ONE, F4 + ONE, "p50_ms"),
    Line("Quote, one connection, p99 to its own p50", QUOTE + ONE, QUOTE + ONE, "p99_ms", "p50_ms"),
    Line("Ingest, throughput", INGEST, F3),
    Line("Ingest, p99 to its own p50", INGEST, INGEST, "p99_ms", "p50_ms"),
    Line("Posting, PostgreSQL", POSTING_POSTGRES, F1),
    Line("Inbox to ledger", BOOKED, F1),
    Line("Inbox to ledger, outbox worked off", SENT, F1),
    Line("Posting, SQLite", POSTING_SQLITE, F8),
    Line("Posting, SQLite", POSTING_SQLITE, F8_BATCHED),
)


def table(rounds: Rounds) -> Iterator[str]:
    """Markdown, one row for each line whose numbers there are."""
    yield "| What | median | spread | held against | its median | ratio | its spread |"
    yield "| --- | ---: | ---: | --- | ---: | ---: | ---: |"
    for line in LINES:
        if not rounds.has(line.name, line.floor):
            continue
        own = rounds.figure(line.name, line.what)
        floor = rounds.figure(line.floor, line.floor_what or line.what)
        ratio = rounds.ratio(line.name, line.floor, line.what, line.floor_what)
        against = "itself" if line.name == line.floor else line.floor
        cells = [
            line.title,
            f"{_number(own)} {line.unit}",
            _percent(own),
            against,
            f"{_number(floor)} {line.unit}",
            f"**{ratio.median:.2f}**",
            _percent(ratio),
        ]
        yield f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over.  `left_out` says what this machine could not measure, and why."""

    rounds: Rounds
    options: Options
    facts: list[tuple[str, str]]
    left_out: list[str]
    ended_at: datetime


def document(run: Run) -> str:
    """The whole of `RESULTS.md`; the notes about layers are a person's, from `notes.md`."""
    options = run.options
    parts = [
        "# How fast the hub is",
        "",
        "Written by `make bench`; do not edit.  What comes after the machine is `bench/notes.md`.",
        "",
        f"Measured on {run.ended_at:%Y-%m-%d}, {options.rounds} rounds of {options.seconds:g} s a "
        f"measurement, {options.members} members, {options.workers} web processes, "
        f"{options.connections} connections.",
        "",
        *table(run.rounds),
        "",
        "The ratio is that of each round to the floor of the same round, and the median of those.",
        "Spread: (largest - smallest) / median.  For times in ms, less is better.",
        "",
        *[f"Left out: {reason}." for reason in run.left_out],
        *([""] if run.left_out else []),
        "## The machine",
        "",
        "| | |",
        "| --- | --- |",
        *[f"| {what} | {told} |" for what, told in run.facts],
        "",
        NOTES.read_text("utf-8").rstrip("\n"),
    ]
    return "\n".join(parts) + "\n"


def _number(figure: Figure) -> str:
    return (
        f"{figure.median:,.0f}".replace(",", " ")
        if figure.median >= 100
        else (f"{figure.median:.2f}")
    )


def _percent(figure: Figure) -> str:
    return f"{figure.spread:.0%}"
