"""A worker's booking in a process of its own: `python -m bench.booker URL PROGRAMME FOLDER`.

It books when it is told a line, until nothing is left, and says a line when it is ready for one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from bench.ground import Place, as_in_production
from bench.till import CONNECTOR
from hub.ingest import process
from hub.jobs.collector import search_rarely
from hub.jobs.crew import work_off
from hub.jobs.drain import threads_of
from hub.registry import registry_of
from hub.wiring import Hub, build_hub
from loyalty_core.store.database import make_engine


def book(hub: Hub, programme_id: int) -> None:
    """Make purchases and points of all that is due."""
    batch = partial(process.work_batch, hub, programme_id)
    work_off(batch, process.BATCH, threads_of(hub), lambda: False)


class Bookers:
    """Such processes; they book at once and together."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._pipes = [(_pipe(one.stdin), _pipe(one.stdout)) for one in processes]
        self._wait()

    def book(self) -> None:
        for told, _ in self._pipes:
            print(file=told, flush=True)
        self._wait()

    def _wait(self) -> None:
        for _, said in self._pipes:
            said.readline()


@contextmanager
def bookers(place: Place, count: int) -> Iterator[Bookers]:
    """So many, of the measured programme."""
    told = (place.url, str(place.programme.id), str(place.folder))
    command = [sys.executable, "-m", "bench.booker", *told]
    with ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for _ in range(count):
            one = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.enter_context(one)
            stack.callback(one.terminate)
            processes.append(one)
        yield Bookers(processes)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def main() -> None:
    url, programme, folder = sys.argv[1:]
    config = as_in_production(Path(folder), url)
    hub = build_hub(config, engine=make_engine(url), registry=registry_of([CONNECTOR]))
    search_rarely()
    print(flush=True)
    for _ in sys.stdin:
        book(hub, int(programme))
        print(flush=True)


if __name__ == "__main__":
    main()
