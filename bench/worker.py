"""A worker in a process of its own: `python -m bench.worker URL PROGRAMME FOLDER`.

It says a line when it is ready for an order.  Told "book" it makes purchases of all deliveries
that are due; told the number of a connection it drains until that has been filled back.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from bench import old_shop, till
from bench.ground import Place, as_in_production
from hub.ingest import backfill, process
from hub.ingest.backfill import BackfillView
from hub.installations import installation_row
from hub.jobs.collector import search_rarely
from hub.jobs.crew import work_off
from hub.jobs.drain import drain, threads_of
from hub.jobs.worker import begin_cells
from hub.registry import registry_of
from hub.wiring import Hub, build_hub
from loyalty_core.store.database import make_engine

BOOK = "book"
_PAUSE_S = 0.01
"""Where another process has all that is left; in production each is rung for."""


def book(hub: Hub, programme_id: int) -> None:
    """Make purchases and points of all that is due."""
    batch = partial(process.work_batch, hub, programme_id)
    work_off(batch, process.BATCH, threads_of(hub), lambda: False)


def fill_back(hub: Hub, programme_id: int, installation: str) -> BackfillView:
    """Drain until a connection has been filled back, or until that meets trouble."""
    row, waiting = installation_row(hub, installation), threading.Event()
    while True:
        drain(hub, programme_id)
        view = backfill.progress(hub, row)
        assert view is not None, "somebody began it"
        if view.row.error_code is not None or (view.is_over and not view.waiting):
            return view
        waiting.wait(_PAUSE_S)


class Workers:
    """Such processes; they do what they are told at once and together."""

    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._pipes = [(_pipe(one.stdin), _pipe(one.stdout)) for one in processes]
        self._wait()

    def do(self, order: str) -> None:
        """Until each of them has done it."""
        for told, _ in self._pipes:
            print(order, file=told, flush=True)
        self._wait()

    def _wait(self) -> None:
        for _, said in self._pipes:
            said.readline()


@contextmanager
def workers(place: Place, count: int) -> Iterator[Workers]:
    """So many, of the measured programme."""
    told = (place.url, str(place.programme.id), str(place.folder))
    command = [sys.executable, "-m", "bench.worker", *told]
    with ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for _ in range(count):
            one = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.enter_context(one)
            stack.callback(one.terminate)
            processes.append(one)
        yield Workers(processes)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def main() -> None:
    url, programme, folder = sys.argv[1:]
    config = as_in_production(Path(folder), url, allow_private=True)
    registry = registry_of([till.CONNECTOR, old_shop.CONNECTOR])
    hub = build_hub(config, engine=make_engine(url), registry=registry)
    search_rarely()
    begin_cells(hub)
    print(flush=True)
    for line in sys.stdin:
        order = line.strip()
        if order == BOOK:
            book(hub, int(programme))
        else:
            fill_back(hub, int(programme), order)
        print(flush=True)


if __name__ == "__main__":
    main()
