"""Posting on SQLite, as the embedded hub does it; floor F8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.f8 import f8_probes
from bench.ground import Ground
from bench.measure import Probe
from bench.posting import POSTING_SQLITE, posting_probe


@contextmanager
def sqlite_probes(ground: Ground) -> Iterator[list[Probe]]:
    place = ground.sqlite("posting")
    own = posting_probe(place, POSTING_SQLITE, ground.options.seconds)
    yield [*f8_probes(ground.folder, ground.options), own]
