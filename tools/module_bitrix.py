"""Build the archive of the module for 1C-Bitrix: `python -m tools.module_bitrix`.

Standard library only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.archive import pack

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "connectors" / "bitrix" / "module" / "loyaltyhub.shop"
VERSION = re.compile(r"'VERSION' => '([0-9]+\.[0-9]+\.[0-9]+)'")


def version(sources: Path = SOURCES) -> str:
    """What the module says of itself.

    Raises: ValueError where it says nothing, or 0.0.0, which Bitrix does not take.
    """
    found = VERSION.search((sources / "install" / "version.php").read_text(encoding="utf-8"))
    if found is None or found[1] == "0.0.0":
        raise ValueError("The module tells no version of itself")
    return found[1]


def build(folder: Path, sources: Path = SOURCES) -> Path:
    """The zip that is unpacked into `local/modules` of a site."""
    return pack(sources, folder / f"{sources.name}-{version(sources)}.zip")


def main() -> int:
    print(build(ROOT / "dist").relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
