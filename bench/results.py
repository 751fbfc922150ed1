"""The table of a run, and `RESULTS.md` around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.lines import LINES, Goal, Line
from bench.measure import CLIENT, LATE, MAX, P50, P99, UNITS, WAL, Figure, Rounds
from bench.options import Options

NOTES = Path(__file__).with_name("notes.md")
_HEAVY_CLIENT = 0.8
"""A client that needs its whole core measures itself."""

_HEAD = (
    "What",
    "to reach",
    "aim at",
    "measured",
    "spread",
    "reached",
    "median",
    "held against",
    "its median",
)
_RULES = ("---", *["---:"] * 4, "---", "---:", "---", "---:")


@dataclass(slots=True)
class Run:
    """What there is of a run.  `left_out`: by bench, why this machine or this run has it not."""

    options: Options
    facts: list[tuple[str, str]]
    remarks: Mapping[str, list[str]]
    began_at: datetime
    rounds: dict[str, Rounds] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def table(run: Run) -> Iterator[str]:
    """Markdown, one row for each line of the benches that were asked for."""
    yield from map(_cells, (_HEAD, _RULES))
    for line in LINES:
        if line.bench in run.options.benches:
            yield _row(line, run.rounds.get(line.bench, Rounds()))


def asides(run: Run) -> Iterator[str]:
    """What belongs beside the table: remarks, the client's share, what failed."""
    for bench in run.options.benches:
        yield from run.remarks.get(bench, [])
    yield from _lags(run.rounds)
    log = "Written to PostgreSQL's log for each posting, in kB"
    yield from _listed(run.rounds, WAL, log, "{:.1f}")
    shares = "The client's processor time, of one core"
    yield from _listed(run.rounds, CLIENT, shares, "{:.0%}")
    for name, share in _medians(run.rounds, CLIENT).items():
        if share > _HEAVY_CLIENT:
            yield f"{name}: the client may have been the limit."
    for bench, reason in run.left_out.items():
        yield f"Not measured, or not to its end: {bench} ({reason})."


def document(run: Run) -> str:
    """The whole of `RESULTS.md`; the notes about layers are a person's, from `notes.md`."""
    options = run.options
    parts = [
        "# How fast the hub is",
        "",
        "Written by `make bench`; do not edit.  What comes after the machine is `bench/notes.md`.",
        "",
        f"Measured on {run.began_at:%Y-%m-%d}: {options.rounds} rounds of {options.seconds:g} s a "
        f"measurement, {options.workers} web processes, {options.connections} connections.  "
        f"Quotes are for a known member among {options.large}, the other benches have "
        f"{options.members} members.",
        "",
        *table(run),
        "",
        "Measured: the ratio of each round to the floor of the same round, and the median of",
        "those, or the figure itself where there is no floor.  Spread: (largest - smallest) /",
        "median.  For times, memory and their ratios less is better.",
        "",
        *[f"- {aside}" for aside in asides(run)],
        "",
        "## The machine",
        "",
        "| | |",
        "| --- | --- |",
        *[f"| {what} | {told} |" for what, told in run.facts],
        "",
        NOTES.read_text("utf-8").rstrip("\n"),
    ]
    return "\n".join(parts) + "\n"


def _row(line: Line, rounds: Rounds) -> str:
    value, own = line.value(rounds), rounds.figure(line.name, line.what)
    floor = rounds.figure(line.floor, line.floor_what or line.what)
    against = "" if not line.floor else "its own p50" if line.floor == line.name else line.floor
    reached = "" if line.goal is None or value is None else line.goal.verdict(value.median)
    cells = [
        line.title,
        *_goal_cells(line),
        "not measured" if value is None else f"**{_measured(line, value)}**",
        "" if value is None else f"{value.spread:.0%}",
        reached,
        _with_unit(own, line.what),
        against,
        _with_unit(floor, line.floor_what or line.what),
    ]
    return _cells(cells)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _goal_cells(line: Line) -> tuple[str, str]:
    if line.goal is None:
        return "", ""
    return _bound(line, line.goal, line.goal.reach), _bound(line, line.goal, line.goal.aim)


def _bound(line: Line, goal: Goal, bound: float | None) -> str:
    if bound is None:
        return ""
    sign, unit = "≤" if goal.most else "≥", "" if line.floor else f" {UNITS[line.what]}"
    return f"{sign} {bound:g}{unit}"


def _measured(line: Line, value: Figure) -> str:
    return f"{value.median:.2f}" if line.floor else _with_unit(value, line.what)


def _with_unit(figure: Figure | None, what: str) -> str:
    return "" if figure is None else f"{_number(figure.median)} {UNITS[what]}"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.2f}"


def _listed(benches: Mapping[str, Rounds], what: str, title: str, form: str) -> Iterator[str]:
    found = _medians(benches, what)
    if found:
        told = ", ".join(f"{name} {form.format(value)}" for name, value in found.items())
        yield f"{title}: {told}."


def _lags(benches: Mapping[str, Rounds]) -> Iterator[str]:
    """Of what was sent at planned moments: all of its times, and how late the sender was."""
    shown = {P50: "p50", P99: "p99", MAX: "max", LATE: "the sender was late by (p99)"}
    medians = {what: _medians(benches, what) for what in shown}
    for name in medians[LATE]:
        told = ", ".join(f"{title} {medians[what][name]:.0f} ms" for what, title in shown.items())
        yield f"{name}: {told}."


def _medians(benches: Mapping[str, Rounds], what: str) -> dict[str, float]:
    return {
        name: figure.median
        for rounds in benches.values()
        for name in rounds.names()
        if (figure := rounds.figure(name, what)) is not None
    }
