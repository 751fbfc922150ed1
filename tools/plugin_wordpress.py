"""Build the WordPress plugin's zip: `python -m tools.plugin_wordpress`.

The same sources give the same bytes, whoever builds them and when: files by name, one time, one
mode.  Standard library only.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "connectors" / "wordpress" / "plugin" / "loyalty-hub"
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


def build(folder: Path, sources: Path = SOURCES) -> Path:
    """The zip as WordPress takes it: one folder, named as the plugin."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{sources.name}-{version(sources)}.zip"
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted(sources.rglob("*")):
            if path.is_file():
                name = f"{sources.name}/{path.relative_to(sources).as_posix()}"
                entry = zipfile.ZipInfo(name, LONG_AGO)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, PLAIN_FILE
                entry.create_system = 3  # Unix, on any system
                archive.writestr(entry, path.read_bytes())
    return made


def main() -> int:
    print(build(ROOT / "dist").relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
