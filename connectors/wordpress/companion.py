"""The plugin for the shop's side, as the zip that WordPress takes.

The same sources give the same bytes, whoever builds them and when: files by name, one time, one
mode.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

from loyalty_kit.ports import Companion

SOURCES = Path(__file__).resolve().parent / "plugin" / "loyalty-hub"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
PLAIN_FILE = 0o100644 << 16

VERSIONS = (
    ("loyalty-hub.php", re.compile(r"^ \* Version: +(\S+)$", re.MULTILINE)),
    ("loyalty-hub.php", re.compile(r"'LOYALTY_HUB_VERSION', '(\S+)'")),
    ("readme.txt", re.compile(r"^Stable tag: (\S+)$", re.MULTILINE)),
)


def version(sources: Path = SOURCES) -> str:
    """What the plugin says of itself, in three places.

    Raises: ValueError where they differ.
    """
    told = [
        match[1] if (match := form.search((sources / name).read_text(encoding="utf-8"))) else "none"
        for name, form in VERSIONS
    ]
    if len(set(told)) != 1:
        raise ValueError(f"The plugin tells several versions of itself: {', '.join(told)}")
    return told[0]


def build(sources: Path = SOURCES) -> tuple[str, bytes]:
    """Name and bytes: one folder, named as the plugin."""
    name, made = f"{sources.name}-{version(sources)}.zip", BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted(sources.rglob("*")):
            if path.is_file():
                inside = f"{sources.name}/{path.relative_to(sources).as_posix()}"
                entry = zipfile.ZipInfo(inside, LONG_AGO)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, PLAIN_FILE
                entry.create_system = 3  # Unix, on any system
                archive.writestr(entry, path.read_bytes())
    return name, made.getvalue()


PLUGIN = Companion(build=build, scopes=("checkout", "events", "members"))
