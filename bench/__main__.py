"""`python -m bench`: all benches, or those named."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.backfill import backfill_probes
from bench.catalogue import catalogue_probes
from bench.console import console_probes
from bench.doors import doors_probes
from bench.embedded import embedded_probes
from bench.facts import machine_facts
from bench.ground import Ground, as_in_production
from bench.inbox import inbox_probes
from bench.ingest import ingest_probes
from bench.lag import lag_probes
from bench.measure import Probe, Progress, Rounds, run_rounds
from bench.memory import memory_probes
from bench.options import Options, read_options
from bench.oscar import oscar_probes
from bench.posting import posting_probes
from bench.pricing import pricing_probes
from bench.profiles import write_profiles
from bench.quote import quote_probes
from bench.recalc import recalc_probes
from bench.results import Run, asides, document, table
from bench.servers import Servers, private_servers
from bench.simulation import simulation_probes
from bench.size import size_probes
from bench.sqlite import sqlite_probes
from hub import logs
from hub.clock import SystemClock
from tools.programs import find_wrk

POSTGRES = "no PostgreSQL on this machine (Debian: apt-get install postgresql)"
WRK = "no wrk on this machine (Debian: apt-get install wrk)"
REDIS = "no Redis on this machine (Debian: apt-get install redis-server)"


@dataclass(frozen=True, slots=True)
class Bench:
    """`needs`: what it is not measured without.  `seconds`: about how long, all in all."""

    probes: Callable[[Ground], AbstractContextManager[list[Probe]]]
    seconds: float
    needs: tuple[str, ...] = ()
    once: bool = False


BENCHES: Mapping[str, Bench] = {
    "quote": Bench(quote_probes, 420, (POSTGRES, WRK)),
    "size": Bench(size_probes, 90, (POSTGRES, WRK)),
    "recalc": Bench(recalc_probes, 40, (POSTGRES, WRK)),
    "pricing": Bench(pricing_probes, 80, (POSTGRES, WRK)),
    "oscar": Bench(oscar_probes, 180, (POSTGRES, WRK)),
    "ingest": Bench(ingest_probes, 40, (POSTGRES, WRK)),
    "posting": Bench(posting_probes, 40, (POSTGRES,)),
    "inbox": Bench(inbox_probes, 120, (POSTGRES,)),
    "backfill": Bench(backfill_probes, 120, (POSTGRES,)),
    "lag": Bench(lag_probes, 230, (POSTGRES, REDIS)),
    "doors": Bench(doors_probes, 170, (POSTGRES, REDIS), once=True),
    "sqlite": Bench(sqlite_probes, 50),
    "embedded": Bench(embedded_probes, 100, (WRK,)),
    "simulation": Bench(simulation_probes, 240, (POSTGRES,)),
    "catalogue": Bench(catalogue_probes, 150, once=True),
    "memory": Bench(memory_probes, 600, once=True),
    "console": Bench(console_probes, 150, (POSTGRES,), once=True),
}
QUICK_S = 12.0


def tell(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    options = read_options(sys.argv[1:])
    with _folder() as folder, private_servers(quick=options.quick) as servers:
        ground = Ground(options, servers, folder, tell)
        logs.configure(as_in_production(folder, "sqlite://"))
        try:
            if options.profile:
                write_profiles(ground)
                return 0
            run = measure(ground)
        finally:
            ground.close()
    for line in ("", *table(run), "", *asides(run)):
        tell(line)
    if options.write:
        tell(f"\nWritten: {options.results.name}")
    return 1 if run.left_out else 0


def measure(ground: Ground) -> Run:
    """All that was asked for; what fails is named in the results, and the rest goes on."""
    options = ground.options
    facts, now = machine_facts(ground.servers), SystemClock().now()
    run = Run(options, facts, ground.remarks, now)
    expected = {name: _expected_s(name, options) for name in options.benches}
    progress = Progress(ground.tell, expected)
    for name in options.benches:
        progress.begin(name)
        run.rounds[name] = Rounds()
        problem = _missing(BENCHES[name], ground.servers) or _try(name, ground, run, progress)
        if problem:
            ground.tell(f"         {name}: {problem}")
            run.left_out[name] = problem.splitlines()[0]
        if options.write:
            options.results.write_text(document(run), "utf-8")
    return run


def _expected_s(name: str, options: Options) -> float:
    return QUICK_S if options.quick else BENCHES[name].seconds * options.rounds / 3


def _missing(bench: Bench, servers: Servers) -> str:
    """Why this machine cannot measure it, or ""."""
    there = {POSTGRES: servers.postgres, REDIS: servers.redis, WRK: find_wrk()}
    return next((need for need in bench.needs if there[need] is None), "")


def _try(name: str, ground: Ground, run: Run, progress: Progress) -> str:
    """Measure it; what went wrong, or ""."""
    bench = BENCHES[name]
    rounds = 1 if bench.once else ground.options.rounds
    try:
        with bench.probes(ground) as probes:
            run_rounds(probes, rounds, run.rounds[name], progress)
    except Exception as error:  # noqa: BLE001 - one bench must not take the others with it
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hub-bench-", dir="/tmp") as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
