"""The rows of the table: what is measured, against what, and what it should come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.backfill import BOOKED as FILLED_BACK
from bench.backfill import EACH_CORE
from bench.catalogue import IMPORTED
from bench.console import PAGE, PAGES, SEARCHES
from bench.doors import ANSWER, BOOKS, PACE, SHOP, TILL
from bench.embedded import EMBEDDED
from bench.f1 import F1
from bench.f8 import F8, F8_BATCHED
from bench.inbox import BOOKED, SENT, TWO
from bench.ingest import F3, INGEST
from bench.lag import LAG, LAG_DEAF, SWEEP_S
from bench.measure import EACH, GROWTH, MEMORY, P50, P99, RATE, Figure, Rounds
from bench.memory import HELD
from bench.oscar import FEW_OFFERS, MANY_OFFERS, OSCAR, OURS
from bench.posting import POSTING_POSTGRES, POSTING_SQLITE
from bench.pricing import ENGINE, ENGINE_OF, IN_FORCE, JSON, MANY, REQUEST_MANY, REQUEST_ONE
from bench.quote import F4, F5, ONE, QUOTE
from bench.recalc import PLAIN, RECALC
from bench.simulation import SIMULATED
from bench.size import LARGE, POSTINGS, QUOTES, SMALL

SECOND_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Goal:
    """`most`: it is good to be below; else to be above.  `aim` None: reaching it is all."""

    reach: float
    aim: float | None = None
    most: bool = False

    def verdict(self, value: float) -> str:
        """How far this value comes."""
        if self.aim is not None and self._holds(value, self.aim):
            return "aim"
        return "yes" if self._holds(value, self.reach) else "**no**"

    def _holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.most else value >= bound


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `what` of `name`, held against `floor_what` of `floor`, or with "" as it is."""

    bench: str
    title: str
    name: str
    floor: str = ""
    what: str = RATE
    floor_what: str = ""
    goal: Goal | None = None

    def value(self, rounds: Rounds) -> Figure | None:
        """What the goal is for; None where it was not measured."""
        if not self.floor:
            return rounds.figure(self.name, self.what)
        return rounds.ratio(self.name, self.floor, self.what, self.floor_what)


_QUOTE_ONE = QUOTE + ONE

LINES: Sequence[Line] = (
    Line("quote", "Quote, throughput", QUOTE, F5, goal=Goal(0.5, 0.65)),
    Line("quote", "Quote, throughput", QUOTE, F4),
    Line(
        "quote",
        "Quote, one connection, p50",
        _QUOTE_ONE,
        F4 + ONE,
        P50,
        goal=Goal(2.5, 2.0, most=True),
    ),
    Line(
        "quote",
        "Quote, one connection, p99",
        _QUOTE_ONE,
        _QUOTE_ONE,
        P99,
        P50,
        Goal(4, 3, most=True),
    ),
    Line(
        "pricing",
        f"Quote, {MANY} promotions in force to one, p50",
        REQUEST_MANY,
        REQUEST_ONE,
        P50,
        goal=Goal(1.15, 1.05, most=True),
    ),
    Line("pricing", "Pricing alone to `json`", ENGINE, JSON, EACH, goal=Goal(5, most=True)),
    *(
        Line(
            "pricing",
            f"Pricing alone, {count} in force to {IN_FORCE[0]}",
            ENGINE_OF.format(count),
            ENGINE_OF.format(IN_FORCE[0]),
            EACH,
        )
        for count in IN_FORCE[1:]
    ),
    *(
        Line(
            "oscar",
            f"Quotes to baskets of django-oscar, {count} offers",
            OURS.format(count),
            OSCAR.format(count),
            goal=Goal(reach),
        )
        for count, reach in ((FEW_OFFERS, 150), (MANY_OFFERS, 400))
    ),
    Line(
        "recalc",
        "MoySklad's `recalc` to a quote, p50",
        RECALC + ONE,
        PLAIN + ONE,
        P50,
        goal=Goal(1.3, most=True),
    ),
    Line("ingest", "Ingest, throughput", INGEST, F3, goal=Goal(0.5, 0.6)),
    Line("ingest", "Ingest, p99", INGEST, INGEST, P99, P50, Goal(10, most=True)),
    Line("posting", "Posting in batches of 50", POSTING_POSTGRES, F1, goal=Goal(3, 8)),
    Line("inbox", "Inbox to ledger", BOOKED, F1, goal=Goal(0.25, 1.0)),
    Line("inbox", "Inbox to ledger, by two worker processes", TWO, F1),
    Line("inbox", "Inbox to ledger, outbox worked off", SENT, F1),
    Line(
        "backfill", "Back-fill to ledger, a worker process a core", EACH_CORE, F1, goal=Goal(0.15)
    ),
    Line("backfill", "... by one worker process", FILLED_BACK, F1),
    Line("lag", "Lag, p99", LAG, what=P99, goal=Goal(SECOND_MS, most=True)),
    Line(
        "lag",
        f"Lag with Redis stopped, sweep {SWEEP_S} s, p99",
        LAG_DEAF,
        what=P99,
        goal=Goal((SWEEP_S + 1) * SECOND_MS, most=True),
    ),
    *(
        Line("doors", f"{title} at {PACE:.0f} a second, p99", form.format(door), what=P99)
        for door, form, title in (
            (TILL, ANSWER, "MoySklad's till door, answer"),
            (TILL, BOOKS, "... its lag to the books"),
            (SHOP, ANSWER, "WooCommerce's door, answer"),
        )
    ),
    Line("sqlite", "SQLite, posting in batches of 50", POSTING_SQLITE, F8, goal=Goal(0.7)),
    Line("sqlite", "SQLite, posting in batches of 50", POSTING_SQLITE, F8_BATCHED, goal=Goal(0.7)),
    Line(
        "embedded",
        "SQLite, quotes while receipts flow, p99",
        EMBEDDED,
        EMBEDDED,
        P99,
        P50,
        Goal(20, most=True),
    ),
    Line(
        "size",
        "Large to small, quotes",
        QUOTES.format(LARGE),
        QUOTES.format(SMALL),
        goal=Goal(0.75, 0.9),
    ),
    Line(
        "size",
        "Large to small, postings",
        POSTINGS.format(LARGE),
        POSTINGS.format(SMALL),
        goal=Goal(0.75, 0.9),
    ),
    Line("simulation", "Simulation of a draft, receipts", SIMULATED, goal=Goal(100_000 / 60)),
    Line("simulation", "... its memory", SIMULATED, what=MEMORY, goal=Goal(500, most=True)),
    Line("memory", "Embedded hub, memory", HELD, what=MEMORY, goal=Goal(250, 150, most=True)),
    Line("memory", "Embedded hub, growth", HELD, what=GROWTH, goal=Goal(5, most=True)),
    Line("catalogue", "Catalogue, products imported", IMPORTED),
    Line("catalogue", "... memory of the hub", IMPORTED, what=MEMORY, goal=Goal(300, most=True)),
    *(
        Line("console", f"Console, {name}, p50", PAGE.format(name), what=P50, goal=goal)
        for goal, names in ((Goal(150, most=True), PAGES), (Goal(200, most=True), SEARCHES))
        for name in names
    ),
)
