"""Write the lock files anew from setup.cfg, with hashes for all platforms.

Called by `make lock`.  The locks name no index: users install from whichever theirs is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Lock file -> what goes into it.  The order matters: later ones are held to earlier ones.
LOCKS = {
    "runtime.lock": ["setup.cfg", "requirements/build.in"],
    "dev.lock": [
        "setup.cfg",
        "requirements/build.in",
        "--extra=test",
        "--extra=dev",
        "--constraints=requirements/runtime.lock",
    ],
    "servers.lock": ["requirements/servers.in"],
    "node.lock": ["requirements/node.in"],
    "oscar.lock": ["requirements/oscar.in"],
}
COMMON = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
)


def main(arguments: list[str]) -> int:
    """Compile each lock; more arguments (`--upgrade`) are handed on."""
    for lock, sources in LOCKS.items():
        out = f"--output-file=requirements/{lock}"
        command = [sys.executable, "-m", "uv", "pip", "compile", *COMMON, out]
        done = subprocess.run([*command, *sources, *arguments], cwd=ROOT, check=False)
        if done.returncode != 0:
            return done.returncode
        print(f"requirements/{lock}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
