"""Tests keep their files in memory only where there is room for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.memory import memory_folder

PLENTY = "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n"
SCARCE = "MemTotal:        8000000 kB\nMemAvailable:    6000000 kB\n"


def place(*, free: int = 2**31, flags: int = 0) -> os.statvfs_result:
    pages = free // 4096
    return os.statvfs_result((4096, 4096, pages, pages, pages, 9, 9, 9, flags, 255))


@pytest.mark.parametrize(
    ("memory", "found", "is_used"),
    [
        (PLENTY, place(), True),
        (SCARCE, place(), False),
        ("MemTotal: 16000000 kB\n", place(), False),
        (PLENTY, place(free=2**26), False),  # what containers have at first
        (PLENTY, place(flags=os.ST_NOEXEC), False),
        (PLENTY, place(flags=os.ST_RDONLY), False),
    ],
)
def test_a_folder_in_memory_is_used_where_it_has_room(
    memory: str,
    found: os.statvfs_result,
    is_used: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = tmp_path / "meminfo"
    facts.write_text(memory, encoding="ascii")
    monkeypatch.setattr(os, "statvfs", lambda folder: found)

    assert memory_folder(tmp_path, facts) == (tmp_path if is_used else None)


def test_a_machine_without_one_keeps_to_its_disk(tmp_path: Path) -> None:
    assert memory_folder(tmp_path / "shm", tmp_path / "meminfo") is None
