"""Where the files of tests cost no disk.

Each test on PostgreSQL has a database of its own, some 650 files that are made and thrown away,
and each commit of one on SQLite waits for the disk.  Nothing of it has to outlive the run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

FOLDER = Path("/dev/shm")
FACTS = Path("/proc/meminfo")
#: A whole run has some hundred megabytes there at a time.
ROOM_BYTES = 2 * 2**30
#: What programs under test need beside it: browsers, servers, hubs.
LEFT_BYTES = 4 * 2**30


def memory_folder(folder: Path = FOLDER, facts: Path = FACTS) -> Path | None:
    """A folder in memory with room for the files of tests, from which programs run; else None.

    `facts`: what the machine says of its memory (`man 5 proc`, `/proc/meminfo`, MemAvailable).
    """
    try:
        place = os.statvfs(folder)
        free = re.search(r"^MemAvailable:\s+(\d+) kB$", facts.read_text("ascii"), re.MULTILINE)
    except OSError:
        return None
    if place.f_flag & (os.ST_NOEXEC | os.ST_RDONLY) or not os.access(folder, os.W_OK | os.X_OK):
        return None
    has_room = place.f_bavail * place.f_frsize >= ROOM_BYTES
    has_memory = free is not None and int(free[1]) * 1024 >= ROOM_BYTES + LEFT_BYTES
    return folder if has_room and has_memory else None
