"""`python -m bench`: all benches, or those named."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import MISSING, find_wrk
from bench.f1 import f1_probe
from bench.f8 import f8_probes
from bench.facts import machine_facts
from bench.inbox import inbox_probe
from bench.ingest import ingest_probes
from bench.measure import BenchFailed, Probe, run_rounds
from bench.options import Options, read_options
from bench.place import Place, postgres_place, sqlite_place
from bench.posting import POSTING_POSTGRES, POSTING_SQLITE, posting_probe
from bench.processes import hub_web
from bench.quote import quote_probes
from bench.results import RESULTS, Run, document, table
from bench.servers import Servers, private_servers
from hub.clock import SystemClock

NO_POSTGRES = "no PostgreSQL on this machine (Debian: apt-get install postgresql)"
WEB = {"quote": quote_probes, "ingest": ingest_probes}


def tell(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    options = read_options(sys.argv[1:])
    try:
        with _folder() as folder, private_servers() as servers:
            run = _measure(servers, folder, options)
    except BenchFailed as error:
        print(f"\nNot measured: {error}", file=sys.stderr)
        return 1
    tell("")
    for line in (*table(run.rounds), *run.left_out):
        tell(line)
    if options.write:
        RESULTS.write_text(document(run), "utf-8")
        tell(f"\nWritten: {RESULTS.name}")
    return 0


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hub-bench-", dir="/tmp") as name:
        yield Path(name)


@dataclass(slots=True)
class _Benches:
    """The probes of a run, in the order in which a round takes them."""

    stack: ExitStack
    options: Options
    probes: list[Probe] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def wants(self, *names: str) -> bool:
        return any(name in self.options.benches for name in names)

    def add_postgres(self, servers: Servers, folder: Path) -> None:
        if not self.wants("quote", "ingest", "posting", "inbox"):
            return
        if servers.postgres is None:
            self.left_out.append(NO_POSTGRES)
            return
        place = postgres_place(servers, folder, self.options, tell)
        self.stack.callback(place.engine.dispose)
        self._add_web(place)
        if self.wants("posting", "inbox"):
            self.probes.append(f1_probe(servers, self.options))
        if self.wants("posting"):
            self.probes.append(posting_probe(place, POSTING_POSTGRES, self.options))
        if self.wants("inbox"):
            self.probes.append(inbox_probe(place, self.options))

    def add_sqlite(self, folder: Path) -> None:
        if self.wants("posting"):
            place = sqlite_place(folder, self.options, tell)
            self.stack.callback(place.engine.dispose)
            self.probes += f8_probes(folder, self.options)
            self.probes.append(posting_probe(place, POSTING_SQLITE, self.options))

    def _add_web(self, place: Place) -> None:
        wanted = [name for name in WEB if self.wants(name)]
        if wanted and find_wrk() is None:
            self.left_out.append(MISSING)
            return
        if not wanted:
            return
        hub = self.stack.enter_context(hub_web(place.web(self.options)))
        for name in wanted:
            self.probes += self.stack.enter_context(WEB[name](place, hub, self.options))


def _measure(servers: Servers, folder: Path, options: Options) -> Run:
    facts = machine_facts(servers)
    with ExitStack() as stack:
        benches = _Benches(stack, options)
        benches.add_postgres(servers, folder)
        benches.add_sqlite(folder)
        rounds = run_rounds(benches.probes, options.rounds, tell)
    return Run(rounds, options, facts, benches.left_out, SystemClock().now())


if __name__ == "__main__":
    sys.exit(main())
