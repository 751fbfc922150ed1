"""Zips of what is uploaded into shops.

The same sources give the same bytes, whoever builds them and when: files by name, one time, one
mode.  Standard library only.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
PLAIN_FILE = 0o100644 << 16


def pack(sources: Path, made: Path) -> Path:
    """A zip of one folder, named as the folder of the sources."""
    made.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted(sources.rglob("*")):
            if path.is_file():
                name = f"{sources.name}/{path.relative_to(sources).as_posix()}"
                entry = zipfile.ZipInfo(name, LONG_AGO)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, PLAIN_FILE
                entry.create_system = 3  # Unix, on any system
                archive.writestr(entry, path.read_bytes())
    return made
