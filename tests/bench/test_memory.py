"""How much memory processes hold, and how much more it has become."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.measure import BenchFailed
from bench.memory import Reading, growth, read_memory

HOLDER = """
import sys
held = bytearray(64 * 2**20)
for place in range(0, len(held), 4096): held[place] = 1
print("held", flush=True)
sys.stdin.read()
"""


def test_growth_is_from_the_first_reading_of_the_second_half() -> None:
    readings = [
        Reading(booked, 0.0, mb)
        for booked, mb in [(0, 50), (400, 90), (500, 100), (700, 104), (900, 103), (1000, 102)]
    ]

    assert growth(readings, 500) == pytest.approx(4)
    with pytest.raises(BenchFailed):
        growth(readings, 1000)


def test_children_count_with_their_parent() -> None:
    before = read_memory(os.getpid(), 0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with_child = read_memory(os.getpid(), 0)
        alone = read_memory(child.pid, 0)
        child.communicate()

    assert alone.mb > 64
    assert with_child.mb - before.mb > 60
    assert with_child.own_mb <= with_child.mb
