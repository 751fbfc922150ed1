"""One run, from the first call to the audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hub.clock import SystemClock
from tests.torture.audit import audit, drain
from tests.torture.harm import KINDS, Chaos, plan_harm
from tests.torture.programs import meanwhile
from tests.torture.sender import Sender, Senders, Tally
from tests.torture.stage import Plan, Stage, set_up
from tests.torture.story import tell_story

Progress = Callable[[int, int], None]
_LOOK_S = 0.2


@dataclass
class Report:
    """What was done, seen and found; times are the longest, in seconds."""

    seed: int
    deliveries: int
    seconds: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    repeats: int = 0
    answers_5xx: dict[str, int] = field(default_factory=dict)
    degraded_quotes: int = 0
    answers_in_progress: int = 0
    ended_by_themselves: dict[str, int] = field(default_factory=dict)
    answered_after_s: dict[str, float] = field(default_factory=dict)
    booked_after_s: dict[str, float] = field(default_factory=dict)
    disk_of_its_own: bool = True
    findings: list[str] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How long and how hard; the same seed gives the same stream and the same harms."""

    seed: int = 1
    deliveries: int = 20_000
    kills: int = 200
    kinds: tuple[str, ...] = KINDS
    plan: Plan = field(default_factory=Plan)


def torture(wanted: Wanted, progress: Progress = lambda done, total: None) -> Report:
    """Raises: NotStarted (a server is not on this machine)."""
    began = time.monotonic()
    report = Report(wanted.seed, wanted.deliveries)
    with set_up(wanted.plan) as stage:
        report.disk_of_its_own = stage.disk.mounted
        _play(stage, wanted, report, progress)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _play(stage: Stage, wanted: Wanted, report: Report, progress: Progress) -> None:
    story = tell_story(wanted.seed, wanted.deliveries, SystemClock().now())
    tally = Tally()
    for person in story.people:
        if not person.saver:
            person.member = Sender(stage, tally).enrol(person.phone)
    kinds = tuple(k for k in wanted.kinds if stage.disk.mounted or k != "disk full")
    harms = plan_harm(wanted.seed, wanted.kills, len(story.deeds), kinds)
    chaos = Chaos(stage, tally, wanted.seed)
    senders = Senders(stage, story, tally)
    senders.start()
    with meanwhile(lambda: progress(tally.acknowledged, len(story.deeds)), every_s=_LOOK_S):
        chaos.do(harms, senders.sending)
        senders.join()
    undone = drain(stage, tally)
    _take_down(report, tally, chaos, stage)
    report.findings += [*undone, *chaos.recovery.findings, *tally.findings]
    report.findings += audit(stage, story, tally)


def _take_down(report: Report, tally: Tally, chaos: Chaos, stage: Stage) -> None:
    recovery = chaos.recovery
    report.kills = dict(recovery.done)
    report.acknowledged = tally.acknowledged
    report.repeats = tally.repeats
    report.answers_5xx = dict(tally.refused)
    report.degraded_quotes = tally.degraded
    report.answers_in_progress = tally.in_progress
    report.answered_after_s = recovery.answered_s
    report.booked_after_s = recovery.booked_s
    report.ended_by_themselves = {one.name: one.deaths for one in stage.programs if one.deaths}
