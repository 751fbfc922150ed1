"""The files of the project as git would commit them."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: What .gitignore names, for an unpacked archive, where git cannot be asked.
MADE = {"__pycache__", "build", "dist", "node_modules", "var", "vendor"}


def tracked_files(root: Path) -> list[Path]:
    """Files that are tracked, or would be by `git add`; all visible ones where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
        found = [root / name for name in names]
    else:
        found = [path for path in root.rglob("*") if not _is_made(path.relative_to(root))]
    return sorted(path for path in found if path.is_file())


def _is_made(path: Path) -> bool:
    hidden = any(part.startswith(".") and part != ".ci" for part in path.parent.parts)
    return hidden or not MADE.isdisjoint(path.parts)
