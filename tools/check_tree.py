"""No committed file names one machine's folders or a package index, or holds somebody's bundle.

Such an address works for its writer only; a bundle belongs to its package, at its locked version.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.tracked import tracked_files

ROOT = Path(__file__).resolve().parent.parent

FORBIDDEN = {
    "a machine's folder": re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|farm)/"),
    "a package index": re.compile(
        r"--(?:(?:extra-)?index-url|find-links)|\"resolved\": *\"http"
        r"|pypi\.org/(?:simple|packages)|files\.pythonhosted\.org|registry\.npmjs\.org"
    ),
}
BUNDLE_NAME = re.compile(r"\.min\.(?:js|css|mjs)(?:\.map)?$")
BUNDLE_LINE = 2000


def problems(files: Iterable[Path], root: Path) -> Iterator[str]:
    """Each problem as `file:line: what it is`."""
    for path in files:
        name = path.relative_to(root).as_posix()
        if BUNDLE_NAME.search(name) or "/vendor/" in f"/{name}":
            yield f"{name}:1: a bundled library (the set-up fetches these by package.json)"
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or a recorded delivery in another encoding
        for number, line in enumerate(lines, start=1):
            for what in _problems_of_line(line, is_script=path.suffix in {".js", ".css", ".mjs"}):
                yield f"{name}:{number}: {what}"


def _problems_of_line(line: str, *, is_script: bool) -> Iterator[str]:
    for what, pattern in FORBIDDEN.items():
        if pattern.search(line):
            yield what
    if is_script and len(line) > BUNDLE_LINE:
        yield "a minified script, so probably a bundled library"


def main() -> int:
    found = list(problems(tracked_files(ROOT), ROOT))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
