"""What Prometheus is told.  No label and no value is personal.

Counters belong to one process; with several web processes behind one address each scrape meets
one of them.  What must be true of the whole hub is therefore read from the database at scrape.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection

from loyalty_core.store import heartbeats, inbox, installations, outbox


class Metrics:
    """One registry for each hub, so that two may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.degraded_quotes = Counter(
            "hub_quotes_degraded", "Quotes answered with base prices.", registry=self.registry
        )
        self.deliveries_received = Counter(
            "hub_deliveries_received",
            "Webhook calls at the door, by what became of them.",
            ["connector", "outcome"],
            registry=self.registry,
        )
        self.deliveries_worked = Counter(
            "hub_deliveries_worked",
            "Deliveries taken by a worker, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self.outbox_worked = Counter(
            "hub_outbox_worked",
            "Rows of the outbox taken by a worker, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self.requests = Histogram(
            "hub_request_seconds",
            "Time to answer, by blueprint's endpoint and status class.",
            ["endpoint", "status"],
            registry=self.registry,
        )

    def exposition(self, connection: Connection, now: datetime) -> bytes:
        """The text of a scrape: this process's counters and the whole hub's gauges."""
        whole = CollectorRegistry()
        whole.register(_WholeHub(connection, now))
        return generate_latest(self.registry) + generate_latest(whole)


class _WholeHub:
    """Gauges that are read from the database while the scrape waits."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, room in (("deliveries", inbox), ("outbox", outbox)):
            counts = room.counts(self._connection)
            for state in ("due", "dead"):
                gauge = GaugeMetricFamily(f"hub_{name}_{state}", f"Rows of state {state}.")
                gauge.add_metric([], counts.get(state, 0))
                yield gauge
            lag = GaugeMetricFamily(
                f"hub_{name}_lag_seconds", "Age of the oldest row that is due now."
            )
            oldest = room.oldest_due_at(self._connection)
            lag.add_metric([], self._age_s(oldest))
            yield lag
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
