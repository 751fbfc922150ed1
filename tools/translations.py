"""Gather the messages of the web pages and bring the catalogues up to date.

The English text stands in the code; each other language has a catalogue.  `make translations`
adds the new messages, empty; a person translates them; the set-up compiles.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "hub" / "translations"
LANGUAGES = ("ru",)


def pybabel(*arguments: str) -> None:
    """Run one command of Babel's."""
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> int:
    """Extract, then update each language, or begin it."""
    with tempfile.TemporaryDirectory() as folder:
        template = str(Path(folder) / "messages.pot")
        pybabel("extract", "-F", "tools/babel.cfg", "-k", "lazy_gettext", "-o", template, ".")
        for language in LANGUAGES:
            there = (CATALOGUES / language / "LC_MESSAGES" / "messages.po").exists()
            settled = ["--no-fuzzy-matching", "--ignore-obsolete"] if there else []
            verb = "update" if there else "init"
            pybabel(verb, "-i", template, "-d", str(CATALOGUES), "-l", language, *settled)
    pybabel("compile", "-d", str(CATALOGUES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
