"""What Prometheus is told.  No label and no value is personal.

Counters live in the process that counts.  The web's processes share a folder, so that a scrape
of any of them tells the sum; worker and scheduler answer scrapes at a port of their own
(HUB_METRICS_PORT).  What must be true of the whole hub is read from the database at scrape, by
the web alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    generate_latest,
    start_http_server,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from loyalty_core.domain.consents import Reason
from loyalty_core.store import heartbeats, holds, inbox, installations, migrate, outbox
from loyalty_core.store.database import read

ANSWER_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
"""Around the 300 ms that a quote may take."""
BOOKED_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
BACKUPS = "backups"
"""The folder of the data folder where the nightly backup goes, where there is one."""
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable: the folder where forks keep what they count."""
_WORKED = ("done", "again", "dropped", "dead")

Degraded = Literal["late", "database"]


def share_among_forks() -> Path:
    """Make the folder for the processes that will be forked; their hubs are built after this.

    Whoever asked removes it when the last of them has ended.
    """
    folder = Path(tempfile.mkdtemp(prefix="hub-metrics-"))
    os.environ[_SHARED] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    return folder


def forget_process(folder: Path, pid: int) -> None:
    """What a process that is gone has counted still counts; what it held does not."""
    mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


def forget_shared(folder: Path) -> None:
    """Remove the folder of `share_among_forks`."""
    os.environ.pop(_SHARED, None)
    shutil.rmtree(folder, ignore_errors=True)


class Metrics:
    """One registry for each hub, so that two may live in one process."""

    def __init__(self) -> None:
        self._folder = os.environ.get(_SHARED)
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        self._degraded = counter(
            "hub_quotes_degraded", "Quotes answered with base prices, by reason.", ["reason"]
        )
        self.deliveries_received = counter(
            "hub_deliveries_received",
            "Webhook calls at the door, by what became of them.",
            ["connector", "outcome"],
        )
        self.deliveries_worked = counter(
            "hub_deliveries_worked",
            "Deliveries taken by a worker, by what became of them.",
            ["outcome"],
        )
        self.outbox_worked = counter(
            "hub_outbox_worked",
            "Rows of the outbox taken by a worker, by what became of them.",
            ["outcome"],
        )
        self.messages_withheld = counter(
            "hub_messages_withheld",
            "Messages that consent or the policy of channels kept back, by reason.",
            ["reason"],
        )
        self._upkeep_rows = counter(
            "hub_upkeep_rows", "What the calendar brought: accounts, holds, refunds.", ["work"]
        )
        self._measured()
        self._begin_at_zero()

    def _measured(self) -> None:
        self._booked = Histogram(
            "hub_delivery_booked_seconds",
            "From a delivery's receipt to its booking.",
            buckets=BOOKED_BUCKETS_S,
            registry=self.registry,
        )
        self._requests = Histogram(
            "hub_request_seconds",
            "Time to answer, by endpoint and status class.",
            ["endpoint", "status"],
            buckets=ANSWER_BUCKETS_S,
            registry=self.registry,
        )
        self._chores = Summary(
            "hub_chore_seconds", "Time of a scheduler's round.", ["chore"], registry=self.registry
        )
        self._connections = Gauge(
            "hub_database_connections_in_use",
            "Connections that the pools of these processes have lent.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._answers: dict[tuple[str, int], Histogram] = {}

    def _begin_at_zero(self) -> None:
        """A rate over a series that begins at its first event would miss that event."""
        for reason in ("late", "database"):
            self._degraded.labels(reason)
        for outcome in _WORKED:
            self.deliveries_worked.labels(outcome)
            self.outbox_worked.labels(outcome)
        for reason in get_args(Reason):
            self.messages_withheld.labels(reason)

    def watch_pool(self, engine: Engine) -> None:
        """Count the connections that this engine lends."""
        gauge = self._connections
        event.listen(engine, "checkout", lambda *_: gauge.inc())
        event.listen(engine, "checkin", lambda *_: gauge.dec())

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """A request was answered.  Looking up labels costs more than counting, so it is kept."""
        key = (endpoint, status // 100)
        child = self._answers.get(key)
        if child is None:
            child = self._answers[key] = self._requests.labels(endpoint, f"{key[1]}xx")
        child.observe(seconds)

    def degraded(self, reason: Degraded) -> None:
        """A quote was answered with base prices."""
        self._degraded.labels(reason).inc()

    def booked(self, received: Iterable[datetime], now: datetime) -> None:
        """Deliveries were worked off; `received`: when each came in."""
        done = self.deliveries_worked.labels("done")
        for moment in received:
            done.inc()
            self._booked.observe(max(0.0, (now - moment).total_seconds()))

    def upkeep(self, work: str, rows: int) -> None:
        """A batch of what the calendar brings was done."""
        self._upkeep_rows.labels(work).inc(rows)

    @contextmanager
    def chore(self, name: str) -> Iterator[None]:
        """Measures a round of the scheduler."""
        began = perf_counter()
        yield
        self._chores.labels(name).observe(perf_counter() - began)

    def serve(self, host: str, port: int) -> None:
        """Answer scrapes of this process from a thread; for processes without the web.

        Raises: OSError (the address cannot be listened on).
        """
        start_http_server(port, addr=host, registry=self.registry)

    def exposition(self, engine: Engine, now: datetime, data_dir: Path) -> bytes:
        """The text of a scrape: the web's counters and the whole hub's gauges.

        Without the database it tells the counters still: then they matter most.
        """
        counted = self.registry
        if self._folder is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + _whole_hub(engine, now, data_dir)


def _whole_hub(engine: Engine, now: datetime, data_dir: Path) -> bytes:
    whole = CollectorRegistry()
    whole.register(_Surroundings(data_dir, now, up=True))
    try:
        with read(engine) as connection:
            whole.register(_Books(connection, now))
            return generate_latest(whole)
    except (DBAPIError, PoolTimeout):
        away = CollectorRegistry()
        away.register(_Surroundings(data_dir, now, up=False))
        return generate_latest(away)


class _Surroundings:
    """What can be told without the database."""

    def __init__(self, data_dir: Path, now: datetime, *, up: bool) -> None:
        self._data_dir = data_dir
        self._now = now
        self._up = up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        told = "1: the database answers, at a schema that this version can read."
        yield GaugeMetricFamily("hub_database_up", told, value=self._up)
        yield GaugeMetricFamily(
            "hub_data_free_bytes",
            "Room left where the hub keeps its own files.",
            value=shutil.disk_usage(self._data_dir).free,
        )
        age_s = _backup_age_s(self._data_dir / BACKUPS, self._now)
        if age_s is not None:
            yield GaugeMetricFamily(
                "hub_backup_age_seconds", "Since the newest backup was finished.", value=age_s
            )


def _backup_age_s(folder: Path, now: datetime) -> float | None:
    """Of the newest file; an empty folder is as old as itself, as its first backup is awaited.

    Names that begin with a dot are backups that are being made.
    """
    if not folder.is_dir():
        return None
    changed = [file.stat().st_mtime for file in folder.glob("[!.]*") if file.is_file()]
    return max(0.0, now.timestamp() - max(changed, default=folder.stat().st_mtime))


class _Books:
    """Gauges that are read from the database while the scrape waits."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def describe(self) -> tuple[()]:
        """Nothing beforehand: else registering would read everything once more."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        build = GaugeMetricFamily("hub_build_info", "What runs.", labels=["version", "schema"])
        schema = migrate.current(self._connection) or "none"
        build.add_metric([version("loyalty-hub"), schema], 1)
        yield build
        for name, room in (("deliveries", inbox), ("outbox", outbox)):
            for state, count in room.counts(self._connection).items():
                yield GaugeMetricFamily(
                    f"hub_{name}_{state}", f"Rows of state {state}.", value=count
                )
            yield GaugeMetricFamily(
                f"hub_{name}_lag_seconds",
                "Age of the oldest row that is due now and that somebody should work on.",
                value=self._age_s(room.oldest_due_at(self._connection)),
            )
        live = holds.count_live(self._connection)
        yield GaugeMetricFamily("hub_holds_live", "Holds that set points aside.", value=live)
        yield from self._by_label()

    def _by_label(self) -> Iterator[GaugeMetricFamily]:
        states = GaugeMetricFamily(
            "hub_installations", "Installations by state.", labels=["connector", "state"]
        )
        for (connector, state), count in installations.counts(self._connection).items():
            states.add_metric([connector, state], count)
        yield states
        beats = GaugeMetricFamily(
            "hub_heartbeat_age_seconds", "Since a part of the hub was heard from.", labels=["name"]
        )
        for name, at in heartbeats.last(self._connection).items():
            beats.add_metric([name], self._age_s(at))
        yield beats

    def _age_s(self, moment: datetime | None) -> float:
        return 0.0 if moment is None else max(0.0, (self._now - moment).total_seconds())
