"""Keeps one private server for as long as its parent lives: `keeper.py SPEC`, with SPEC as JSON.

A process of its own, so that nothing is left behind whatever ends the tests: when the pipe to
its standard input closes (the parent stopped, was interrupted or was killed), it stops the
server and removes the folder.  A server that ends by itself leaves its log to the parent.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

PATIENCE_S = 10


def main() -> int:
    spec = json.loads(sys.argv[1])
    folder = Path(spec["folder"])
    with (folder / "log").open("wb") as log:
        prepared = not spec["prepare"] or start(spec, "prepare", log).wait() == 0
        server = start(spec, "command", log) if prepared else None
    if server is None:
        return 1
    asked = threading.Event()
    given = (server, spec["stop"], asked)
    threading.Thread(target=stop_at_the_end, args=given, daemon=True).start()
    server.wait()
    if not asked.is_set():
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def start(spec: dict, command: str, log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start one of the spec's commands, as the account that it names."""
    return subprocess.Popen(
        spec[command],
        cwd=spec["folder"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        user=spec["uid"],
        group=spec["gid"],
        extra_groups=None if spec["uid"] is None else [],
    )


def stop_at_the_end(
    server: subprocess.Popen[bytes], signal_number: int, asked: threading.Event
) -> None:
    """Wait for the end of input, then stop the server by the signal that it takes for it."""
    sys.stdin.read()
    asked.set()
    server.send_signal(signal_number)
    try:
        server.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
