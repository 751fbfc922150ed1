"""The private servers of a session leave nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 60
SESSION = """
import sys
from tests.support.servers import start_redis
print(start_redis().folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_session_that_is_killed_leaves_no_server(end: signal.Signals, redis_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SESSION],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as session:
        assert session.stdout is not None
        folder = Path(session.stdout.readline().strip())
        assert (folder / "redis.conf").exists()

        os.kill(session.pid, end)
        session.wait()

    deadline = time.monotonic() + DEADLINE_S
    while folder.exists():
        assert time.monotonic() < deadline, "the keeper did not clean up"
        time.sleep(0.02)
