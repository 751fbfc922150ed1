"""Build the WordPress plugin's zip: `python -m tools.plugin_wordpress`.  Standard library only."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.archive import pack

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "connectors" / "wordpress" / "plugin" / "loyalty-hub"

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
    return pack(sources, folder / f"{sources.name}-{version(sources)}.zip")


def main() -> int:
    print(build(ROOT / "dist").relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
